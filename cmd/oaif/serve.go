package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/serve"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "answer an OpenAI-compatible API: a judge, or the trained model",
		UsageText: "oaif serve --model M [--listen HOST:PORT] [--token-env NAME]",
		Description: `Answers /v1/chat/completions, /v1/completions and /v1/models as the OpenAI API
does, many requests at once: log-probs, top_logprobs, echo, streams, n, stop and
seed among them. "logprobs" are in nats at temperature 1, those of oaif score.
The address is printed when requests are taken; Ctrl-C ends the server. Only
this machine reaches it unless --listen says otherwise, and then a token is
wanted, out of the environment. docs/serve.md has the rest.

Example:
  oaif serve --model model.gguf --listen 127.0.0.1:8000 &
  curl -s http://127.0.0.1:8000/v1/completions \
    -H 'Content-Type: application/json' \
    -d '{"prompt": "The sky is", "max_tokens": 8}'`,
		Flags: flags(modelFlag(), []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8000",
				Usage: "`ADDRESS` to listen at; port 0 is any free one"},
			&cli.StringFlag{Name: "name",
				Usage: "`NAME` of the model in requests, instead of its file's"},
			&cli.StringFlag{Name: "token-env",
				Usage: "`VARIABLE` of the environment with the token that requests must have"},
			&cli.IntFlag{Name: "slots", Value: 16,
				Usage: "`NUMBER` of answers that are written at once"},
			&cli.IntFlag{Name: "length", Value: 2048,
				Usage: "`TOKENS` of a prompt and its answer together, at most the model's context"},
			&cli.IntFlag{Name: "queue", Value: 256, Usage: "`NUMBER` of answers that may wait"},
			&cli.IntFlag{Name: "max-body", Value: 1 << 20, Usage: "`BYTES` of a request"},
			&cli.DurationFlag{Name: "timeout", Value: 10 * time.Minute,
				Usage: "`TIME` that a request may take"},
			eosFlag(),
		}, computeFlags(), threadsFlag()),
		Action: runServer,
	}
}

// serveGrace is how long requests have to end in after an interrupt.
const serveGrace = 5 * time.Second

func runServer(c *cli.Context) error {
	if _, err := positionals(c, 0, 0, ""); err != nil {
		return err
	}
	token, err := checkServe(c)
	if err != nil {
		return err
	}
	return withModelFile(c, "model", func(m *modelFile) (err error) {
		// Before weights are converted: another server may be there.
		listener, err := net.Listen("tcp", c.String("listen"))
		if err != nil {
			return usagef(c, "--listen: %v", err)
		}
		defer func() { _ = listener.Close() }() // the server has closed it
		return m.toDecode(c, func(policy *model.Model) error {
			e, err := engine.New(policy, engine.Options{Slots: c.Int("slots"),
				Length: min(c.Int("length"), m.config.Context), Queue: c.Int("queue"),
				EOS: m.vocab.EOS})
			if err != nil {
				return err
			}
			defer e.Close()
			return serveModel(c, m, e, listener, token)
		})
	})
}

// checkServe refuses flags that cannot be, and returns the token, "" where none is asked for.
func checkServe(c *cli.Context) (token string, err error) {
	if err := errors.Join(checkCompute(c), checkRange(c, "slots", 1, 1024),
		checkRange(c, "length", 2, 1<<30), checkRange(c, "queue", 1, 1<<16),
		checkRange(c, "max-body", 1, 1<<30)); err != nil {
		return "", err
	}
	if c.Duration("timeout") <= 0 {
		return "", usagef(c, "--timeout: wants a time such as 30s, got %v", c.Duration("timeout"))
	}
	if name := c.String("token-env"); name != "" {
		if token = os.Getenv(name); token == "" {
			return "", usagef(c, "--token-env: %s is not set", name)
		}
		if strings.TrimSpace(token) != token || strings.ContainsFunc(token, unicode.IsControl) {
			return "", usagef(c, "--token-env: %s has spaces at its ends, or what no header can "+
				"have", name) // no request could have this token
		}
	}
	host, _, err := net.SplitHostPort(c.String("listen"))
	if err != nil {
		return "", usagef(c, "--listen: wants HOST:PORT, got %q", c.String("listen"))
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && token == "" {
		return "", usagef(c, "--listen: other machines reach %q, so it wants a --token-env",
			c.String("listen"))
	}
	return token, nil
}

// serveModel takes requests until the program is interrupted.
func serveModel(
	c *cli.Context, m *modelFile, e *engine.Engine, l net.Listener, token string,
) error {
	name := c.String("name")
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(filepath.Clean(m.file.Path())), ".gguf")
	}
	s := serve.New(e, m.vocab, serve.Options{Name: name, Vocab: m.config.Vocab, Token: token,
		MaxBody: int64(c.Int("max-body")), Timeout: c.Duration("timeout"), Grace: serveGrace})
	if _, err := fmt.Fprintf(c.App.Writer, "%s at http://%s/v1\n", name, l.Addr()); err != nil {
		return oaif.DataError("stdout: " + err.Error())
	}
	return s.Run(c.Context, l)
}
