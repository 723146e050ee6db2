package main

import (
	"fmt"
	"os"
	"time"
)

// k3s logs through logrus in its text form (time=... level=... msg=...); edgectl reads level=fatal lines.

func logf(format string, a ...any)  { logLine("info", format, a...) }
func warnf(format string, a ...any) { logLine("warning", format, a...) }

// fatal ends the process; systemd starts it again (Restart=always), as it does with k3s.
func fatal(format string, a ...any) {
	logLine("fatal", format, a...)
	os.Exit(1)
}

func logLine(level, format string, a ...any) {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	fmt.Fprintf(os.Stderr, "time=%q level=%s msg=%q\n", now, level, fmt.Sprintf(format, a...))
}

func must(err error) {
	if err != nil {
		fatal("Error: %v", err)
	}
}
