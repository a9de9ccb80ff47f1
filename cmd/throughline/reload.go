package main

import (
	"context"
	"os"
	"reflect"

	"throughline/cmd/throughline/config"
)

// watchReload reads the configuration again whenever a signal comes, until ctx
// ends. A configuration that is invalid changes nothing.
func (co *collector) watchReload(ctx context.Context, signals <-chan os.Signal, load func() (config.Config, error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		c, err := load()
		if err == nil {
			err = co.reload(c)
		}
		if err != nil {
			co.log.Error("keeping the old configuration: the new one is not valid", "error", err)
		}
	}
}

// reload puts apps, transactions and the agents' token into force. What else
// has changed waits for the next start, and is named.
func (co *collector) reload(c config.Config) error {
	if len(c.Apps) == 0 {
		return errNoApps
	}
	if err := co.server.Replace(c.IngestApps(), string(c.AgentToken)); err != nil {
		return err
	}
	if later := needRestart(co.config, c); len(later) > 0 {
		co.log.Warn("some changes of the configuration need a restart", "keys", later)
	}
	co.log.Info("the configuration was read again", "apps", len(c.Apps), "transactions", len(c.Transactions))
	return nil
}

// needRestart names the keys at the top of the configuration that differ and
// are not read again.
func needRestart(old, fresh config.Config) (keys []string) {
	a, b := reflect.ValueOf(old), reflect.ValueOf(fresh)
	for i := range a.NumField() {
		switch key := a.Type().Field(i).Tag.Get("yaml"); key {
		case "apps", "transactions", "agent_token":
		case "journeys": // the agent's
		default:
			if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
