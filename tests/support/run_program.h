#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fmpn::test {

struct Outcome {
  int status = -1;  ///< exit status; 128 + number for a signal
  std::string out, err;
};

/// A program under way, with its standard output and error in files of its own.
class Program {
 public:
  explicit Program(const std::vector<std::string>& command);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  bool running();
  void send(int signal);
  Outcome wait();

 private:
  pid_t pid_ = 0;
  int status_ = 0;
  bool ended_ = false;
  std::string out_, err_;
};

inline Outcome run_program(const std::vector<std::string>& command) { return Program(command).wait(); }

}  // namespace fmpn::test
