#include "runtime/pages.h"

#include <algorithm>
#include <new>

#include <sys/mman.h>

namespace fmpn {

Pages::Pages(std::size_t bytes)
    : bytes_(std::max<std::size_t>(1, bytes)), data_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
  if (data_ == MAP_FAILED) throw std::bad_alloc();
}

Pages::~Pages() { munmap(data_, bytes_); }

}  // namespace fmpn
