package engine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// terminalStdin makes standard input a terminal on which the line "exit" has
// been typed. Only with a terminal there does the engine survive a client that
// breaks off or sends garbage or a wrong password: without, it installs an
// error handler that ends the process. The line ends it in case it fails to
// start and asks for commands.
func terminalStdin() error {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open terminal: %w", err)
	}
	// The master stays open for the life of the process: closing it would hang up.
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("unlock terminal: %w", err)
	}
	n, err := unix.IoctlGetUint32(master, unix.TIOCGPTN)
	if err != nil {
		return fmt.Errorf("find terminal: %w", err)
	}
	terminal, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open terminal: %w", err)
	}
	if _, err := unix.Write(master, []byte("exit\n")); err != nil {
		return fmt.Errorf("write to terminal: %w", err)
	}
	if err := unix.Dup3(terminal, 0, 0); err != nil {
		return fmt.Errorf("make terminal the standard input: %w", err)
	}
	return nil
}
