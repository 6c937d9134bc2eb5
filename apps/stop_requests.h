#pragma once

namespace minissl {

/// After this call SIGINT and SIGTERM request a stop (stop_requested) instead of ending the process; a second signal
/// ends it as usual. Call it before the process starts other threads, which inherit the blocked signals.
///
/// A thread waits for the signals instead of a signal handler: oneDNN's sgemm computes with the stack pointer at the
/// end of a small heap block, so a handler's frame would overwrite the memory before the block.
void take_stop_requests();

/// Whether a signal has requested a stop.
bool stop_requested();

}  // namespace minissl
