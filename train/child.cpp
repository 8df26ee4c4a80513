#include "child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include <fmpn/error.h>

namespace fmpn::train {

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

pid_t start_child(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Opened here, so that an unwritable folder is told as what it is.
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) throw Error(ErrorCode::kIo, log + ": cannot be written (" + std::strerror(errno) + ")");
  int faults[2];  // closed by a start that succeeds; one that fails writes its errno
  if (pipe2(faults, O_CLOEXEC) != 0) {
    close(file);
    throw Error(ErrorCode::kRuntime, command.front() + ": cannot be started (" + std::strerror(errno) + ")");
  }
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {  // system calls alone from here on: other threads may have been at work
    // Nobody would be there any more to tell it to stop, nor to wait for it.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO), dup2(file, STDOUT_FILENO), dup2(file, STDERR_FILENO);
    if (nothing > STDERR_FILENO) close(nothing);
    execv(command.front().c_str(), arguments.data());
    const int fault = errno;
    _exit(write(faults[1], &fault, sizeof fault) == sizeof fault ? 127 : 126);
  }
  int fault = child < 0 ? errno : 0;
  close(file), close(faults[1]);
  if (child > 0 && read(faults[0], &fault, sizeof fault) == sizeof fault) wait_for_end(child);
  close(faults[0]);
  if (fault != 0) throw Error(ErrorCode::kRuntime, command.front() + ": cannot be started (" + std::strerror(fault) + ")");
  return child;
}

namespace {
int shell_status(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }
}  // namespace

pid_t wait_for_child(const std::vector<pid_t>& children, int milliseconds, int* status) {
  for (int waited = 0;; waited += 20) {
    for (const pid_t child : children) {
      int raw = 0;
      if (waitpid(child, &raw, WNOHANG) != child) continue;
      *status = shell_status(raw);
      return child;
    }
    if (waited >= milliseconds) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

int wait_for_end(pid_t child) {
  int raw = 0;
  while (waitpid(child, &raw, 0) == -1 && errno == EINTR) {
  }
  return shell_status(raw);
}

}  // namespace fmpn::train
