// Package pgserver runs a private PostgreSQL for the demo and the tests: a real server that a test may stop, kill, freeze,
// restart and question, and that cannot outlive the process that started it.
//
// A server's life, file by file:
//
//   - programs.go finds initdb and postgres; account.go decides which user runs them (PostgreSQL refuses root);
//   - template.go runs initdb once per version and copies.go clones its result for every server;
//   - options.go and config.go say how the server is set up, certificate.go makes its TLS files;
//   - start.go, postmaster.go and log.go start it and wait for its own "ready to accept connections";
//   - stop.go ends and restarts it, fault.go breaks it, standby.go replicates it from
//     the copy that backup.go makes;
//   - console.go, activity.go, watch.go and statements.go ask it questions in SQL; prepares.go and sessions.go read the
//     answers that SQL cannot give (prepares, the exact peak of backends) from its log;
//   - watchdog.go removes what is left when the process that started it dies;
//   - testing.go is what tests call.
//
// Nothing here waits by a tuned sleep: a server is ready when it says so, and it is gone when the last of its processes
// has closed the log.
package pgserver
