package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// connection is one connection for inserts, in ClickHouse's native protocol.
// clickhouse-go takes rows value by value; this takes blocks as they are. It is
// for one caller at a time, and of no use after an error.
type connection struct {
	conn       net.Conn
	reader     *proto.Reader
	buffer     proto.Buffer // what is to be sent
	compressor *compress.Writer
	version    int // of the protocol
}

// connect opens a connection to one address and logs in.
func connect(ctx context.Context, addr string, o Options) (_ *connection, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var conn net.Conn
	if o.TLS {
		conn, err = (&tls.Dialer{Config: tlsConfig()}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	c := &connection{conn: conn, reader: proto.NewReader(conn), version: proto.Version}
	if !isLoopback(conn) {
		c.compress() // on the same machine it would only cost time, on both sides
	}
	err = c.within(ctx, func() error { return c.login(o) })
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func isLoopback(conn net.Conn) bool {
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

func (c *connection) compress() { c.compressor = compress.NewWriter(compress.LevelZero, compress.LZ4) }

func (c *connection) close() { _ = c.conn.Close() }

// within does what it is told to, but no longer than ctx lasts.
func (c *connection) within(ctx context.Context, do func() error) error {
	stop := context.AfterFunc(ctx, c.close)
	err := do()
	if !stop() && err == nil {
		return context.Cause(ctx) // it has been closed
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

func (c *connection) login(o Options) error {
	proto.ClientHello{
		Name: clientName, ProtocolVersion: c.version,
		Database: o.Database, User: o.Username, Password: o.Password,
	}.Encode(&c.buffer)
	if err := c.flush(); err != nil {
		return err
	}
	code, err := c.packet()
	if err != nil {
		return err
	}
	var hello proto.ServerHello
	switch code {
	case proto.ServerCodeHello:
		if err := hello.DecodeAware(c.reader, c.version); err != nil {
			return fmt.Errorf("read the server's greeting: %w", err)
		}
	case proto.ServerCodeException:
		return c.exception()
	default:
		return fmt.Errorf("the server greets with a packet %s", code)
	}
	c.version = min(c.version, hello.Revision)
	if proto.FeatureAddendum.In(c.version) {
		c.buffer.PutString("") // the key for quotas
	}
	return c.flush()
}

// insert runs an INSERT statement. next fills the blocks of its data, one after
// the other, and returns nil at the end.
func (c *connection) insert(ctx context.Context, statement string, settings []proto.Setting, next func() proto.Input) error {
	return c.within(ctx, func() error {
		if err := c.begin(statement, settings); err != nil {
			return err
		}
		for input := next(); input != nil; input = next() {
			if err := c.putBlock(input); err != nil {
				return err
			}
			if err := c.flush(); err != nil {
				return c.whyNot(err)
			}
		}
		if err := c.putBlock(nil); err != nil {
			return err
		}
		if err := c.flush(); err != nil {
			return c.whyNot(err)
		}
		return c.readUntil(proto.ServerCodeEndOfStream)
	})
}

// begin sends the statement and waits until the server wants its data.
func (c *connection) begin(statement string, settings []proto.Setting) error {
	compression := proto.CompressionDisabled
	if c.compressor != nil {
		compression = proto.CompressionEnabled
	}
	proto.Query{
		Body: statement, Stage: proto.StageComplete, Compression: compression, Settings: settings,
		Info: proto.ClientInfo{
			ProtocolVersion: c.version, Interface: proto.InterfaceTCP, Query: proto.ClientQueryInitial,
			InitialAddress: c.conn.LocalAddr().String(), ClientName: clientName,
		},
	}.EncodeAware(&c.buffer, c.version)
	if err := c.putBlock(nil); err != nil { // no tables beside it
		return err
	}
	if err := c.flush(); err != nil {
		return c.whyNot(err)
	}
	return c.readUntil(proto.ServerCodeData)
}

// putBlock puts a block of data into the buffer; nil is the end of data.
func (c *connection) putBlock(input proto.Input) error {
	proto.ClientCodeData.Encode(&c.buffer)
	proto.ClientData{}.EncodeAware(&c.buffer, c.version)
	block := proto.Block{Columns: len(input)}
	if len(input) > 0 {
		block.Rows, block.Info.BucketNum = input[0].Data.Rows(), -1
	}
	start := len(c.buffer.Buf)
	if err := block.EncodeBlock(&c.buffer, c.version, input); err != nil {
		return fmt.Errorf("encode a block: %w", err)
	}
	if c.compressor == nil {
		return nil
	}
	if err := c.compressor.Compress(c.buffer.Buf[start:]); err != nil {
		return fmt.Errorf("compress a block: %w", err)
	}
	c.buffer.Buf = append(c.buffer.Buf[:start], c.compressor.Data...)
	return nil
}

func (c *connection) flush() error {
	_, err := c.conn.Write(c.buffer.Buf)
	c.buffer.Buf = emptied(c.buffer.Buf, 4*blockBytes)
	return err
}

// whyNot is what the server said before it hung up, or else the error of writing.
func (c *connection) whyNot(writing error) error {
	const wait = time.Second
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return writing
	}
	err := c.readUntil(proto.ServerCodeEndOfStream)
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return err
	}
	return writing
}

// readUntil reads packets to the first of that code. An exception is an error.
func (c *connection) readUntil(wanted proto.ServerCode) error {
	for {
		code, err := c.packet()
		if err != nil {
			return err
		}
		if err := c.skip(code); err != nil {
			return err
		}
		if code == wanted {
			return nil
		}
	}
}

func (c *connection) packet() (proto.ServerCode, error) {
	code, err := c.reader.UVarInt()
	if errors.Is(err, io.EOF) {
		return 0, errors.New("the server closed the connection")
	}
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	return proto.ServerCode(code), nil
}

// skip reads what belongs to a packet.
func (c *connection) skip(code proto.ServerCode) error {
	var err error
	switch code {
	case proto.ServerCodeEndOfStream:
	case proto.ServerCodeException:
		return c.exception()
	case proto.ServerCodeData:
		err = c.skipBlock(&proto.ColInfoInput{}, c.compressor != nil)
	case proto.ServerCodeLog:
		err = c.skipBlock((&proto.Logs{}).Result(), false)
	case proto.ServerProfileEvents:
		err = c.skipBlock((&proto.ProfileEvents{}).Result(), false)
	case proto.ServerCodeProgress:
		err = (&proto.Progress{}).DecodeAware(c.reader, c.version)
	case proto.ServerCodeProfile:
		err = (&proto.Profile{}).DecodeAware(c.reader, c.version)
	case proto.ServerCodeTableColumns:
		err = (&proto.TableColumns{}).DecodeAware(c.reader, c.version)
	default:
		return fmt.Errorf("the server answers with a packet %d", code)
	}
	if err != nil {
		return fmt.Errorf("read a packet %s: %w", code, err)
	}
	return nil
}

func (c *connection) skipBlock(into proto.Result, compressed bool) error {
	if proto.FeatureTempTables.In(c.version) {
		if _, err := c.reader.Str(); err != nil {
			return err
		}
	}
	if compressed {
		c.reader.EnableCompression()
		defer c.reader.DisableCompression()
	}
	return (&proto.Block{}).DecodeBlock(c.reader, c.version, into)
}

// exception reads what the server has to say.
func (c *connection) exception() error {
	var e proto.Exception
	if err := e.DecodeAware(c.reader, c.version); err != nil {
		return fmt.Errorf("read the server's error: %w", err)
	}
	return &clickhouse.Exception{Code: int32(e.Code), Name: e.Name, Message: e.Message}
}
