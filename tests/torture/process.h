#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

/// Runs minissl as a process of its own, whatever becomes of it.
namespace minissl::torture {

struct Command {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment = {};  ///< besides our own
  double seconds = 60;             ///< after which, times patience(), it counts as hung and is killed
  int64_t memory = 0;              ///< limit on its address space in bytes; 0: none
  bool fixed_addresses = false;    ///< no randomisation, so that call paths can be compared
  std::string out = {}, err = {};  ///< where its output goes instead of Outcome: a path, `closed`,
                                   ///< or `broken` for a pipe that nobody reads
  std::string folder = {};         ///< to run in
  std::string program = {};        ///< instead of minissl
};

struct Outcome {
  int status = -1;  ///< exit status; -1 if a signal ended it
  int signal = 0;   ///< that ended it
  bool hung = false;
  std::string out, err;
  double seconds = 0;

  std::string describe() const;
};

/// A running command. Its output is collected in files in `scratch`.
class Child {
 public:
  Child(const Command& command, const std::filesystem::path& scratch);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(int signal) const;
  bool running();
  /// Waits until it ends; kills it after the command's time.
  Outcome wait();

 private:
  std::string out_file() const;
  std::string err_file() const;

  Command command_;
  std::filesystem::path scratch_;
  double begun_;
  pid_t process_ = -1;
  bool ended_ = false;
  int wait_status_ = 0;
};

Outcome run(const Command& command, const std::filesystem::path& scratch);

/// What all limits on time are multiplied by. A machine that is busy with other things needs more than 1.
double patience();
void set_patience(double factor);

/// Seconds of a clock that only goes forward.
double now();
void sleep_for(double seconds);

}  // namespace minissl::torture
