#include "core/face_track.h"

#include <algorithm>
#include <cmath>

#include "core/cv_view.h"

namespace fmpn {
namespace {

constexpr int kPatternSide = 12;
constexpr double kVelocityTime = 0.25;   // seconds over which the velocity is smoothed
constexpr double kLooksShare = 0.2;      // of a new frame in what is remembered of a face
constexpr float kTrust = 0.4F;           // share of a new detection in the box of a face that was followed up to it
constexpr float kSame = 0.25F;           // distance() between two boxes of one face at one time
constexpr double kLongestGuess = 1.0;    // seconds for which a lost face is thought to go on as it went
constexpr float kReach = 0.7F;           // of a match, in units of distance()
constexpr float kReachPerSecond = 0.9F;  // a lost face may have moved on meanwhile
constexpr float kLostPerSecond = 0.6F;   // a face in sight is preferred to one that was lost
constexpr float kLooksWeight = 1.0F;
constexpr float kStranger = 0.45F;      // of unlikeness: whoever comes back after a while looks about the same
constexpr double kAWhile = 0.3;         // seconds

}  // namespace

FaceLooks looks_of(const Image& crop) {
  FaceLooks looks;
  const cv::Mat picture = as_mat(crop.view());
  const cv::Scalar mean = cv::mean(picture);
  for (int c = 0; c < 3; ++c) looks.color[c] = static_cast<float>(mean[picture.channels() == 1 ? 0 : c] / 255);
  cv::Mat small;
  cv::resize(as_gray(crop.view()), small, {kPatternSide, kPatternSide}, 0, 0, cv::INTER_AREA);
  small.convertTo(small, CV_32F);
  small -= cv::mean(small)[0];
  const double length = cv::norm(small);
  if (length > 1e-6) small /= length;
  looks.pattern.assign(small.begin<float>(), small.end<float>());
  return looks;
}

float unlikeness(const FaceLooks& a, const FaceLooks& b) {
  if (a.pattern.size() != b.pattern.size()) return 0;
  float product = 0;
  for (std::size_t i = 0; i < a.pattern.size(); ++i) product += a.pattern[i] * b.pattern[i];
  float color = 0;
  for (int c = 0; c < 3; ++c) color += std::abs(a.color[c] - b.color[c]);
  return 0.5F * (1 - product) + color;
}

float distance(const Box& a, const Box& b) {
  const float side = std::max(a.width, b.width);
  const float dx = (a.x + a.width / 2) - (b.x + b.width / 2);
  const float dy = (a.y + a.height / 2) - (b.y + b.height / 2);
  return std::hypot(dx, dy) / side + 0.5F * std::abs(std::log(a.width / b.width));
}

Box FaceTrack::expected(double time) const {
  const auto ahead = static_cast<float>(std::clamp(time - seen_at, 0.0, kLongestGuess));
  return {box.x + velocity[0] * ahead, box.y + velocity[1] * ahead, box.width, box.height};
}

Box FaceTrack::carried(const Affine& warp) const {
  if (warp == anchor_warp) return anchor;
  // From the frame then to the template, and from the template to the frame now. Both warps turn, scale and shift only.
  const Point there = apply(anchor_warp, {anchor.x + anchor.width / 2, anchor.y + anchor.height / 2});
  const double square = warp[0] * warp[0] + warp[3] * warp[3];
  const double dx = there.x - warp[2], dy = there.y - warp[5];
  const double x = (warp[0] * dx + warp[3] * dy) / square, y = (warp[0] * dy - warp[3] * dx) / square;
  const double scale = std::hypot(anchor_warp[0], anchor_warp[3]) / std::sqrt(square);
  const double width = anchor.width * scale, height = anchor.height * scale;
  return {static_cast<float>(x - width / 2), static_cast<float>(y - height / 2), static_cast<float>(width), static_cast<float>(height)};
}

Box FaceTrack::steadied(const Box& box, const Affine& warp) const {
  if (looks.pattern.empty()) return box;  // never seen before
  const Box was = carried(warp);
  if (distance(was, box) > kSame) return box;
  const auto mixed = [](float a, float b) { return a + kTrust * (b - a); };
  return {mixed(was.x, box.x), mixed(was.y, box.y), mixed(was.width, box.width), mixed(was.height, box.height)};
}

void FaceTrack::see(const FoundFace& found, double time) {
  const AlignedFace& face = found.face;
  const double passed = time - seen_at;
  const FaceLooks now = looks_of(face.crop);
  // Landmarks move more smoothly than boxes.
  Point middle;
  for (const Point& mark : face.landmarks) middle.x += mark.x / 5, middle.y += mark.y / 5;
  if (looks.pattern.empty()) {
    looks = now;
    first_seen = time;
  } else {
    for (std::size_t i = 0; i < now.pattern.size(); ++i)
      looks.pattern[i] += static_cast<float>(kLooksShare) * (now.pattern[i] - looks.pattern[i]);
    for (int c = 0; c < 3; ++c) looks.color[c] += static_cast<float>(kLooksShare) * (now.color[c] - looks.color[c]);
    if (passed > 1e-4) {
      const auto share = static_cast<float>(1 - std::exp(-passed / kVelocityTime));
      const float moved[2] = {middle.x - centre.x, middle.y - centre.y};
      for (int i = 0; i < 2; ++i) velocity[i] += share * (moved[i] / static_cast<float>(passed) - velocity[i]);
    }
  }
  if (found.framed) anchor = found.box, anchor_warp = face.warp;
  box = found.box;
  centre = middle;
  seen_at = time;
}

std::vector<int> match(const std::vector<FoundFace>& faces, const std::vector<FaceTrack>& tracks, double time) {
  struct Pair {
    float cost;
    std::size_t face;
    std::size_t track;
  };
  std::vector<Pair> pairs;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    const FaceLooks looks = looks_of(faces[f].face.crop);
    for (std::size_t t = 0; t < tracks.size(); ++t) {
      const auto lost = static_cast<float>(std::max(0.0, time - tracks[t].seen_at));
      // A face that turned round behind the other one is nearer to where it went out of sight.
      const float place = std::min(distance(faces[f].box, tracks[t].expected(time)), distance(faces[f].box, tracks[t].box));
      const float unlike = unlikeness(looks, tracks[t].looks);
      if (place >= kReach + kReachPerSecond * lost || (lost > kAWhile && unlike > kStranger)) continue;
      pairs.push_back({place + kLostPerSecond * lost + kLooksWeight * unlike, f, t});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.cost < b.cost; });
  std::vector<int> track_of(faces.size(), -1);
  std::vector<bool> taken(tracks.size(), false);
  for (const Pair& pair : pairs) {
    if (track_of[pair.face] >= 0 || taken[pair.track]) continue;
    track_of[pair.face] = static_cast<int>(pair.track);
    taken[pair.track] = true;
  }
  return track_of;
}

}  // namespace fmpn
