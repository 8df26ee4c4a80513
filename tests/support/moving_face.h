#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <opencv2/imgproc.hpp>

#include <fmpn/aligner.h>

#include "photograph.h"

namespace fmpn::test {

/// A rendered clip: the head of the photograph moves, turns, comes nearer and goes away before a still textured ground, and now and
/// then it darts. Where it is on each frame is known exactly.
class MovingFace {
 public:
  struct Truth {
    Box box;  ///< as the detector frames the face on the photograph, carried along
    Landmarks landmarks;
  };

  /// Faces of `count` heads side by side, each `share` of the frame's height large on average.
  MovingFace(const cv::Mat& photograph, int width, int height, int count = 1, double share = 0.24)
      : head_(photograph), width_(width), height_(height), count_(count), share_(share), ground_(height, width, CV_8UC3) {
    cv::Mat coarse(height / 24 + 2, width / 24 + 2, CV_8UC3), fine(height, width, CV_8UC3);
    std::mt19937 random(7);
    for (cv::Mat* noise : {&coarse, &fine})
      for (std::uint8_t* p = noise->data; p != noise->dataend; ++p) *p = static_cast<std::uint8_t>(64 + (random() >> 25));
    cv::resize(coarse, ground_, ground_.size(), 0, 0, cv::INTER_CUBIC);
    cv::GaussianBlur(fine, fine, {}, 1.5);
    cv::addWeighted(ground_, 0.7, fine, 0.3, 0, ground_);
    // An oval around head and shoulders, soft at its edge.
    mask_ = cv::Mat::zeros(head_.size(), CV_8UC1);
    cv::ellipse(mask_, cv::Point(276, 210), cv::Size(165, 200), 0, 0, 360, 255, cv::FILLED);
    cv::GaussianBlur(mask_, mask_, {}, 6);
    cv::resize(head_, half_head_, {}, 0.5, 0.5, cv::INTER_AREA);
    cv::resize(mask_, half_mask_, {}, 0.5, 0.5, cv::INTER_AREA);
    measure_photograph();
  }

  /// Frame 0, 1, …, RGB, 30 a second.
  cv::Mat frame(int index) const {
    cv::Mat picture = ground_.clone();
    for (int i = 0; i < count_; ++i) {
      cv::Mat pose = pose_of(i, index), head, alpha;
      // A camera does not alias: what becomes less than half as large is taken from the photograph at half its size.
      const bool small = std::hypot(pose.at<double>(0, 0), pose.at<double>(1, 0)) < 0.5;
      if (small) {
        for (int row = 0; row < 2; ++row) {
          pose.at<double>(row, 2) += 0.5 * (pose.at<double>(row, 0) + pose.at<double>(row, 1));
          for (int column = 0; column < 2; ++column) pose.at<double>(row, column) *= 2;
        }
      }
      // Only where the head is.
      const Box there = truth(index, i).box;
      const cv::Rect around =
          cv::Rect(cvFloor(there.x - there.width), cvFloor(there.y - there.width), cvCeil(3 * there.width), cvCeil(3 * there.width)) &
          cv::Rect(0, 0, width_, height_);
      pose.at<double>(0, 2) -= around.x, pose.at<double>(1, 2) -= around.y;
      cv::warpAffine(small ? half_head_ : head_, head, pose, around.size());
      cv::warpAffine(small ? half_mask_ : mask_, alpha, pose, around.size());
      for (int y = 0; y < around.height; ++y) {
        std::uint8_t* to = picture.ptr(around.y + y, around.x);
        const std::uint8_t *from = head.ptr(y), *share = alpha.ptr(y);
        for (int x = 0; x < around.width; ++x)
          for (int c = 0; c < 3 && share[x] > 0; ++c)
            to[3 * x + c] = static_cast<std::uint8_t>((to[3 * x + c] * (255 - share[x]) + from[3 * x + c] * share[x] + 127) / 255);
      }
    }
    return picture;
  }

  /// Where head `i` is.
  Truth truth(int index, int i = 0) const {
    const cv::Mat pose = pose_of(i, index);
    const auto* m = pose.ptr<double>();
    const Affine carried{m[0], m[1], m[2], m[3], m[4], m[5]};
    Truth there;
    for (std::size_t k = 0; k < there.landmarks.size(); ++k) there.landmarks[k] = apply(carried, reference_.landmarks[k]);
    const Box& b = reference_.box;
    const Point centre = apply(carried, {b.x + b.width / 2, b.y + b.height / 2});
    const float side = b.width * static_cast<float>(std::hypot(m[0], m[3]));
    there.box = {centre.x - side / 2, centre.y - side / 2, side, side};
    return there;
  }
  int count() const { return count_; }

 private:
  /// Photograph → frame.
  cv::Mat pose_of(int i, int index) const {
    const double t = index / 30.0, phase = 1.7 * i;
    const int columns = static_cast<int>(std::ceil(std::sqrt(count_ * 16.0 / 9))), rows = (count_ + columns - 1) / columns;
    const double cell_x = static_cast<double>(width_) / columns, cell_y = static_cast<double>(height_) / rows;
    const double size = share_ * height_ * (1 + 0.4 * std::sin(0.9 * t + phase));
    // Every two seconds it darts aside and back within a third of one.
    const double within = std::fmod(t + 0.3 * phase, 2.0), dart = within < 0.34 ? std::sin(M_PI * within / 0.34) : 0;
    const double free_x = std::max(0.0, cell_x / 2 - 0.95 * size), free_y = std::max(0.0, cell_y / 2 - 0.95 * size);
    const double x = cell_x * (i % columns + 0.5) + free_x * (0.75 * std::sin(1.3 * t + phase) + 0.25 * dart);
    const double y = cell_y * (i / columns + 0.5) + free_y * (0.75 * std::sin(1.9 * t + 1 + phase) - 0.25 * dart);
    cv::Mat pose = cv::getRotationMatrix2D({276, 205}, 14 * std::sin(1.1 * t + phase), size / 190);
    pose.at<double>(0, 2) += x - 276;
    pose.at<double>(1, 2) += y - 205;
    return pose;
  }

  // The detector's windows lie on a grid: the median over many small moves is what it means.
  void measure_photograph() {
    std::vector<std::vector<float>> seen(13);
    Aligner aligner({});
    for (int i = 0; i < 24; ++i) {
      const double scale = 0.7 + 0.025 * i, dx = 3.0 * (i % 5), dy = 2.0 * (i % 7);
      const cv::Mat move = (cv::Mat_<double>(2, 3) << scale, 0, dx, 0, scale, dy);
      cv::Mat moved;
      cv::warpAffine(head_, moved, move, cv::Size(static_cast<int>(540 * scale), static_cast<int>(620 * scale)), cv::INTER_LINEAR,
                     cv::BORDER_REPLICATE);
      for (const AlignedFace& face : aligner.find(view_of(moved))) {
        const auto back = [&](Point p, std::size_t k) {
          seen[k].push_back(static_cast<float>((p.x - dx) / scale));
          seen[k + 1].push_back(static_cast<float>((p.y - dy) / scale));
        };
        for (std::size_t k = 0; k < 5; ++k) back(face.landmarks[k], 2 * k);
        back({face.box.x + face.box.width / 2, face.box.y + face.box.height / 2}, 10);
        seen[12].push_back(static_cast<float>(face.box.width / scale));
      }
    }
    const auto median = [&](std::size_t k) {
      std::nth_element(seen[k].begin(), seen[k].begin() + static_cast<std::ptrdiff_t>(seen[k].size() / 2), seen[k].end());
      return seen[k].at(seen[k].size() / 2);
    };
    for (std::size_t k = 0; k < 5; ++k) reference_.landmarks[k] = {median(2 * k), median(2 * k + 1)};
    const float side = median(12);
    reference_.box = {median(10) - side / 2, median(11) - side / 2, side, side};
  }

  cv::Mat head_;
  int width_, height_, count_;
  double share_;
  cv::Mat ground_, mask_, half_head_, half_mask_;
  Truth reference_;
};

/// How far a face that was found is from the truth, in parts of the face's width.
inline double box_error(const Box& found, const Box& truth) {
  const double dx = (found.x + found.width / 2) - (truth.x + truth.width / 2),
               dy = (found.y + found.height / 2) - (truth.y + truth.height / 2);
  return (std::hypot(dx, dy) + std::abs(found.width - truth.width) / 2) / truth.width;
}
inline double landmark_error(const Landmarks& found, const MovingFace::Truth& truth) {
  double sum = 0;
  for (std::size_t k = 0; k < found.size(); ++k) sum += std::hypot(found[k].x - truth.landmarks[k].x, found[k].y - truth.landmarks[k].y);
  return sum / static_cast<double>(found.size()) / truth.box.width;
}

}  // namespace fmpn::test
