//! The harness of the end-to-end tests: real nodes as child processes.
