package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"throughline/cmd/throughline/config"
)

// defaultConfigFile is read when it is there and no other is named.
const defaultConfigFile = "throughline.yaml"

// options are the flags that several commands share; each overrides a key of
// the configuration.
type options struct {
	file                 string
	listen, adminListen  string
	addr                 []string
	dataDir              string
	nativePort, httpPort int
	logLevel, logFormat  string
}

func (o *options) addFile(c *cobra.Command) {
	c.Flags().StringVarP(&o.file, "config", "c", "", "configuration `file` (default: "+defaultConfigFile+" if it is there)")
	c.Flags().StringVar(&o.logLevel, "log-level", "", "debug, info, warn or error")
	c.Flags().StringVar(&o.logFormat, "log-format", "", "text or json")
	_ = c.MarkFlagFilename("config", "yaml", "yml") // fails only for a flag that is not there
}

func (o *options) addPorts(c *cobra.Command) {
	c.Flags().StringVar(&o.listen, "listen", "", "`address` of the collector, such as :8080")
	c.Flags().StringVar(&o.adminListen, "admin-listen", "", "`address` of the admin side, such as 127.0.0.1:8081")
}

func (o *options) addEngine(c *cobra.Command) {
	c.Flags().StringVar(&o.dataDir, "data-dir", "", "`directory` of the log, of dead letters and of the embedded ClickHouse")
	c.Flags().IntVar(&o.nativePort, "clickhouse-native-port", -1, "`port` of the embedded ClickHouse for its native protocol; 0 picks a free one")
	c.Flags().IntVar(&o.httpPort, "clickhouse-http-port", -1, "`port` of the embedded ClickHouse for HTTP; 0 picks a free one")
}

func (o *options) addServer(c *cobra.Command) {
	c.Flags().StringSliceVar(&o.addr, "clickhouse-addr", nil, "`host:port` of a ClickHouse server to use instead of the embedded one")
}

// load reads the configuration and lays the flags over it.
func (o *options) load(env environment) (config.Config, error) {
	file := o.file
	if file == "" {
		if _, err := os.Stat(defaultConfigFile); err == nil {
			file = defaultConfigFile
		} else if !errors.Is(err, fs.ErrNotExist) {
			return config.Config{}, fmt.Errorf("look for %s: %w", defaultConfigFile, err)
		}
	}
	c, err := config.Load(file, env.getenv, o.apply)
	if err != nil {
		return config.Config{}, &exitError{exitBadInput, err}
	}
	return c, nil
}

// apply lays the flags that were given over a configuration.
func (o *options) apply(c *config.Config) {
	for value, key := range map[*string]*string{
		&o.listen: &c.Listen, &o.adminListen: &c.Admin.Listen, &o.dataDir: &c.DataDir,
		&o.logLevel: &c.Log.Level, &o.logFormat: &c.Log.Format,
	} {
		if *value != "" {
			*key = *value
		}
	}
	if o.nativePort >= 0 {
		c.ClickHouse.Embedded.NativePort = o.nativePort
	}
	if o.httpPort >= 0 {
		c.ClickHouse.Embedded.HTTPPort = o.httpPort
	}
	if len(o.addr) > 0 {
		c.ClickHouse.Addr = o.addr
	}
}
