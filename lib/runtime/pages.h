#pragma once

#include <cstddef>

namespace fmpn {

/// Memory for large blocks, straight from the system and back to it. The heap would keep them: between weights that stay it is full of
/// holes that the buffers of loading have left. Throws std::bad_alloc.
class Pages {
 public:
  explicit Pages(std::size_t bytes);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  void* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_;
  void* data_;
};

}  // namespace fmpn
