#pragma once
#include <optional>
#include <string>
#include <string_view>

/// Standard output has a command's results, which must arrive; standard error has what people like to know meanwhile,
/// which need not.
namespace minissl {

/// To be called first. Without it, a file might get the number of a stream that the caller has closed, and receive what
/// was meant for the stream; and a reader that goes away, or a limit on the size of files, would kill the process.
void prepare_standard_streams();

/// The reason why results have not all been written to standard output; nullopt if they have.
std::optional<std::string> lost_results();

/// Writes a line to standard error. That it can't be written is not a failure.
void say(std::string_view line);

}  // namespace minissl
