#include "run_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "temporary_folder.h"

namespace fmpn::test {
namespace {

std::string empty_file() {
  std::string name = (std::filesystem::temp_directory_path() / "fmpn-test-output-XXXXXX").string();
  const int handle = mkstemp(name.data());
  if (handle < 0) throw std::runtime_error(name + ": cannot be made");
  close(handle);
  return name;
}

std::string taken(const std::string& file) {
  const std::string text = read_text(file);
  std::filesystem::remove(file);
  return text;
}

}  // namespace

Program::Program(const std::vector<std::string>& command) : out_(empty_file()), err_(empty_file()) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  dup2(open(out_.c_str(), O_WRONLY | O_TRUNC), STDOUT_FILENO);
  dup2(open(err_.c_str(), O_WRONLY | O_TRUNC), STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

Program::~Program() {
  if (!running()) return;
  send(SIGKILL);
  wait();
}

bool Program::running() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return !ended_;
}

void Program::send(int signal) {
  if (running()) kill(pid_, signal);
}

Outcome Program::wait() {
  if (!ended_) waitpid(pid_, &status_, 0);
  ended_ = true;
  return {WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_), taken(out_), taken(err_)};
}

}  // namespace fmpn::test
