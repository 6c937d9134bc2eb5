#pragma once

namespace minissl {

/// From now on SIGINT and SIGTERM ask for a stop (stop_requested) rather than end the process; a second one ends it as
/// usual. Call it before the process has other threads: they inherit that the signals are blocked.
///
/// There is no signal handler, a thread waits for the signals: oneDNN's sgemm computes with the stack pointer at the
/// end of a small block of the heap, and a handler's frame, pushed there, would overwrite what lies before the block.
void take_stop_requests();

/// Whether a signal has asked for a stop.
bool stop_requested();

}  // namespace minissl
