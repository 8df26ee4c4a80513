#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <fmpn/geometry.h>
#include <fmpn/image_view.h>

namespace fmpn::annotate {

/// Keeps one small picture of each face: of the frame in which it was best to be seen.
class Thumbnails {
 public:
  explicit Thumbnails(int side = 96) : side_(side) {}

  /// Whether a picture of this quality would replace what there is. Clearly better only: looking at a frame costs time.
  bool wants(int face, double quality) const;
  /// `frame` is RGB or gray; the box is in its pixels and gets some margin.
  void add(int face, double quality, const ImageView& frame, const Box& box);

  /// As JPEG, base64; empty for a face that was never added.
  std::string jpeg_base64(int face) const;

 private:
  struct Picture {
    double quality = 0;
    std::vector<std::uint8_t> jpeg;
  };
  int side_;
  std::map<int, Picture> pictures_;
};

}  // namespace fmpn::annotate
