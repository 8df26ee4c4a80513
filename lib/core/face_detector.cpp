#include "core/face_detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <opencv2/imgproc.hpp>

namespace fmpn {

namespace {

constexpr double kWindowSide = HogFeatures::kCell * HogFeatures::kWindow;  // of the detector's window, in pixels
constexpr double kBoxSide = 73;                                           // and of the box that dlib gives for it

/// dlib unpacks its detector from text, which takes a second: once a process is enough.
struct Model {
  dlib::frontal_face_detector detector = dlib::get_frontal_face_detector();
  HogFilters filters{detector};
};

const Model& model() {
  static const Model unpacked;
  return unpacked;
}

/// `by_x` and `by_y` pixels of a picture for each one of `r`'s, `origin` its place there.
Box scaled_back(const dlib::rectangle& r, double by_x, double by_y, cv::Point origin = {}) {
  return {static_cast<float>(origin.x + r.left() * by_x), static_cast<float>(origin.y + r.top() * by_y),
          static_cast<float>(r.width() * by_x), static_cast<float>(r.height() * by_y)};
}

/// The best window of each place and size, as dlib chooses: one that overlaps a better one is none.
std::vector<dlib::rect_detection> best_of(std::vector<dlib::rect_detection> found, const dlib::test_box_overlap& overlap) {
  std::sort(found.rbegin(), found.rend());
  std::vector<dlib::rect_detection> best;
  for (const auto& one : found) {
    const auto worse = [&](const auto& other) { return overlap(other.rect, one.rect); };
    if (std::none_of(best.begin(), best.end(), worse)) best.push_back(one);
  }
  return best;
}

}  // namespace

cv::Rect surroundings(const Box& box, cv::Size size) {
  const float margin = 0.5F * box.width;
  const cv::Rect around(cvFloor(box.x - margin), cvFloor(box.y - margin), cvCeil(box.width + 2 * margin), cvCeil(box.height + 2 * margin));
  return around & cv::Rect(cv::Point(), size);
}

FaceDetector::FaceDetector() { model(); }

std::vector<dlib::rect_detection> FaceDetector::search(const cv::Mat& picture, double threshold, unsigned int levels) {
  const auto& scanner = model().detector.get_scanner();
  const dlib::pyramid_down<6> pyramid;
  const auto& hog = scanner.get_feature_extractor();
  const int cell = HogFeatures::kCell, window = HogFeatures::kWindow;
  std::vector<dlib::rect_detection> found;
  std::vector<HogHit> hits;
  cv::Mat level = picture, next;
  dlib::rectangle size(0, 0, picture.cols - 1, picture.rows - 1);
  for (unsigned int depth = 0; depth < levels; ++depth) {
    features_.compute(level);
    hits.clear();
    scanner_.scan(features_, model().filters, threshold, hits);
    for (const HogHit& hit : hits) {
      const dlib::point centre(hit.column + window / 2, hit.row + window / 2);
      dlib::rect_detection one;
      one.detection_confidence = hit.score;
      one.weight_index = static_cast<unsigned long>(hit.bank);
      one.rect = pyramid.rect_up(hog.feats_to_image(dlib::centered_rect(centre, window, window), cell, window, window), depth);
      found.push_back(one);
    }
    size = pyramid.rect_down(size);
    if (size.width() < scanner.get_min_pyramid_layer_width() || size.height() < scanner.get_min_pyramid_layer_height()) break;
    pyramid_.down(level, next);
    cv::swap(level, next);
    if (depth == 0) next = cv::Mat();  // the caller's picture is not to be written to
  }
  return best_of(std::move(found), model().detector.get_overlap_tester());
}

std::optional<Detection> FaceDetector::look_at(const cv::Mat& gray, const Box& box, double threshold) {
  const cv::Rect region = surroundings(box, gray.size());
  const double scale = kBoxSide / static_cast<double>(box.width);
  const cv::Size size(cvRound(region.width * scale), cvRound(region.height * scale));
  if (size.width < kWindowSide / 2 || size.height < kWindowSide / 2) return std::nullopt;
  cv::Mat scaled;
  cv::resize(gray(region), scaled, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  const double sx = static_cast<double>(region.width) / size.width, sy = static_cast<double>(region.height) / size.height;
  std::optional<Detection> best;
  for (const auto& one : search(scaled, threshold, 1)) {
    if (best && one.detection_confidence <= best->score) continue;
    const Box found = scaled_back(one.rect, sx, sy, region.tl());
    const float dx = (found.x + found.width / 2) - (box.x + box.width / 2), dy = (found.y + found.height / 2) - (box.y + box.height / 2);
    if (std::hypot(dx, dy) < 0.5F * box.width) best = Detection{found, one.detection_confidence};
  }
  return best;
}

std::vector<Detection> FaceDetector::detect(const cv::Mat& gray, double min_face_size, double threshold) {
  const double scale = kWindowSide / min_face_size;
  // A picture smaller than the window shows no whole face.
  if (std::min(gray.cols, gray.rows) * scale < kWindowSide - 0.5) return {};
  cv::Mat scaled = gray;
  if (std::abs(scale - 1) > 0.02)
    cv::resize(gray, scaled, {}, scale, scale, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  if (scaled.cols < kWindowSide || scaled.rows < kWindowSide) return {};
  const double sx = static_cast<double>(gray.cols) / scaled.cols;
  const double sy = static_cast<double>(gray.rows) / scaled.rows;

  std::vector<Detection> detections;
  for (const auto& one : search(scaled, threshold, std::numeric_limits<unsigned int>::max()))
    detections.push_back({scaled_back(one.rect, sx, sy), one.detection_confidence});
  std::stable_sort(detections.begin(), detections.end(),
                   [](const Detection& a, const Detection& b) { return a.box.width > b.box.width; });
  return detections;
}

}  // namespace fmpn
