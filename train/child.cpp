#include "child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include <fmpn/error.h>

extern char** environ;

namespace fmpn::train {

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

pid_t start_child(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Opened here, so that an unwritable folder is told as what it is.
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) throw Error(ErrorCode::kIo, log + ": cannot be written (" + std::strerror(errno) + ")");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, file, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO);
  pid_t child = 0;
  const int fault = posix_spawn(&child, command.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(file);
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
