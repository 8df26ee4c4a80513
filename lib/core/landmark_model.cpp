#include "core/landmark_model.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>

#include <fmpn/aligner.h>
#include <fmpn/error.h>

#include "core/file_identity.h"
#include "files/whole_file.h"

namespace fmpn {
namespace {

Point part(const std::vector<dlib::point>& shape, int i) {
  const dlib::point& at = shape[static_cast<std::size_t>(i)];
  return {static_cast<float>(at.x()), static_cast<float>(at.y())};
}

Point mean_of(const std::vector<dlib::point>& shape, int first, int last) {
  Point sum;
  for (int i = first; i <= last; ++i) {
    sum.x += part(shape, i).x;
    sum.y += part(shape, i).y;
  }
  const auto n = static_cast<float>(last - first + 1);
  return {sum.x / n, sum.y / n};
}

/// dlib's 5-point model knows the corners of the eyes and the base of the nose only. The similarity that its two
/// eyes fix against the template gives the rest.
Landmarks from_eyes(Point left, Point right) {
  const Point a = kStandardTemplate[0];
  const Point b = kStandardTemplate[1];
  const float unit = b.x - a.x;
  const float c = (right.x - left.x) / unit;
  const float s = (right.y - left.y) / unit;
  Landmarks marks;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const float dx = kStandardTemplate[i].x - a.x;
    const float dy = kStandardTemplate[i].y - a.y;
    marks[i] = {left.x + c * dx - s * dy, left.y + s * dx + c * dy};
  }
  return marks;
}

}  // namespace

std::string default_landmark_model() {
  if (const char* path = std::getenv("FMPN_LANDMARK_MODEL"); path != nullptr && *path != '\0') return path;
  return "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";
}

std::shared_ptr<const LandmarkModel> LandmarkModel::load(const std::string& path) {
  static std::mutex mutex;  // guards `loaded`; held while loading, so that two streams don't read 100 MB twice
  static std::map<FileIdentity, std::weak_ptr<const LandmarkModel>> loaded;
  const std::lock_guard lock(mutex);
  const auto identity = identity_of(path);
  if (!identity) {
    throw Error(ErrorCode::kNotFound,
                path + ": no such landmark model (Debian's libdlib19.1 ships one; FMPN_LANDMARK_MODEL names another)");
  }
  if (auto model = loaded[*identity].lock()) return model;
  require_file(path);
  auto model = std::make_shared<LandmarkModel>();
  try {
    std::ifstream file(path, std::ios::binary);
    model->predictor_.read(file);
  } catch (const std::exception& fault) {
    throw Error(ErrorCode::kBadFormat, path + ": not a dlib shape predictor (" + fault.what() + ")");
  }
  const auto parts = model->predictor_.parts();
  if (parts != 68 && parts != 5)
    throw Error(ErrorCode::kBadFormat, path + ": a landmark model of " + std::to_string(parts) + " points; 68 or 5 are known");
  loaded[*identity] = model;
  return model;
}

Landmarks LandmarkModel::predict(const cv::Mat& gray, const Box& face) const {
  const dlib::cv_image<unsigned char> image(gray);
  const dlib::rectangle box(std::lround(face.x), std::lround(face.y), std::lround(face.x + face.width) - 1,
                            std::lround(face.y + face.height) - 1);
  const std::vector<dlib::point> shape = predictor_(image, box);
  // The picture's left eye is the subject's right: 36…41 of the 68, 2 and 3 of the 5.
  if (shape.size() == 5) return from_eyes(mean_of(shape, 2, 3), mean_of(shape, 0, 1));
  return {mean_of(shape, 36, 41), mean_of(shape, 42, 47), part(shape, 30), part(shape, 48), part(shape, 54)};
}

}  // namespace fmpn
