#include <fmpn/aligner.h>

#include <algorithm>

#include "core/core_error.h"
#include "core/cv_view.h"
#include "core/face_finder.h"

namespace fmpn {
namespace {

constexpr int kStillSide = 200;            // small pictures are enlarged to about this before the second look
constexpr double kSecondThreshold = -0.6;  // of the second look at a still

}  // namespace

struct Aligner::State {
  FaceFinder finder;
};

Aligner::Aligner(const AlignerOptions& options) : state_(core_error([&] { return std::make_unique<State>(State{FaceFinder(options)}); })) {}
Aligner::~Aligner() = default;
Aligner::Aligner(Aligner&&) noexcept = default;
Aligner& Aligner::operator=(Aligner&&) noexcept = default;

const AlignerOptions& Aligner::options() const { return state_->finder.options; }

std::vector<AlignedFace> Aligner::find(const ImageView& frame) {
  return core_error([&] {
    std::vector<AlignedFace> faces;
    for (FoundFace& found : state_->finder.find(frame)) faces.push_back(std::move(found.face));
    return faces;
  });
}

std::vector<AlignedFace> Aligner::find_in_still(const ImageView& picture) {
  return core_error([&] {
    std::vector<AlignedFace> faces = find(picture);
    if (!faces.empty() || std::max(picture.width, picture.height) > 3 * kStillSide) return faces;

    // A tight crop: give the detector the border it needs, by repeating the edge, and the size.
    FaceFinder& finder = state_->finder;
    const cv::Mat gray = as_gray(picture);
    const int side = std::max(gray.cols, gray.rows);
    const double scale = std::max(1.0, static_cast<double>(kStillSide) / side);
    const int border = std::max(1, side / 4);
    cv::Mat padded;
    cv::copyMakeBorder(gray, padded, border, border, border, border, cv::BORDER_REPLICATE);
    cv::resize(padded, padded, {}, scale, scale, cv::INTER_CUBIC);
    const auto back = [&](Point p) {
      return Point{static_cast<float>((p.x + 0.5) / scale - 0.5 - border), static_cast<float>((p.y + 0.5) / scale - 0.5 - border)};
    };
    for (const double threshold : {finder.options.detector_threshold, kSecondThreshold}) {
      const auto found = finder.detector.detect(padded, 80, threshold);
      if (found.empty()) continue;
      // A tight crop shows one face: the detector's best, not its largest.
      const Detection& best =
          *std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
      Landmarks marks = finder.landmarks->predict(padded, best.box);
      std::transform(marks.begin(), marks.end(), marks.begin(), back);
      const Point corner = back({best.box.x, best.box.y});
      const auto size = static_cast<float>(best.box.width / scale);
      faces.push_back(finder.finish(picture, {{corner.x, corner.y, size, size}, best.score}, marks));
      break;
    }
    return faces;
  });
}

AlignedFace Aligner::align(const ImageView& frame, const Box& box, double score) {
  return core_error([&] { return state_->finder.align(frame, box, score); });
}

}  // namespace fmpn
