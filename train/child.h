#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fmpn::train {

/// The running program's own file, to be started again.
std::string own_program();

/// Starts a program with its standard output and error at the end of the file `log`. It gets SIGTERM where the calling thread ends before
/// it, whatever ends that. Throws kRuntime, kIo.
pid_t start_child(const std::vector<std::string>& command, const std::string& log);

/// The next child of `children` that ends, within about `milliseconds`; 0: none has. `status` as a shell gives it: 128 + n
/// for signal n.
pid_t wait_for_child(const std::vector<pid_t>& children, int milliseconds, int* status);

/// Waits for a child to end; its status likewise.
int wait_for_end(pid_t child);

}  // namespace fmpn::train
