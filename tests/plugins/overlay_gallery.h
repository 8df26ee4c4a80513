#pragma once

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include <fmpn/aligner.h>

#include "overlay_painter.h"

namespace fmpn::test {

/// Blends a picture over an RGB frame, as a sink would.
inline void blend(const overlay::OverlayPicture& picture, cv::Mat& rgb) {
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      std::uint32_t word = 0;
      std::memcpy(&word, picture.pixels->data() + (static_cast<std::size_t>(y) * picture.width + x) * 4, sizeof word);
      auto& pixel = rgb.at<cv::Vec3b>(picture.y + y, picture.x + x);
      const unsigned keep = 255 - (word >> 24);
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<std::uint8_t>((word >> (16 - 8 * c) & 255) + pixel[c] * keep / 255);
    }
  }
}

/// Keeps a picture to be looked at, where FMPN_PICTURES names a folder.
inline void keep_picture(const std::string& name, const cv::Mat& rgb) {
  if (const char* folder = std::getenv("FMPN_PICTURES"))
    write_image(std::string(folder) + "/" + name + ".png",
                {rgb.data, rgb.cols, rgb.rows, static_cast<std::ptrdiff_t>(rgb.step), PixelFormat::kRgb8});
}

/// A mask of `side` that is hot where a smiling face moves: both mouth corners and the eyes.
inline std::shared_ptr<const MotionMask> smiling_mask(int side) {
  auto mask = std::make_shared<MotionMask>();
  mask->side = side;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      float value = 0.04F;
      for (const Point p : {Point{0.315F, 0.745F}, Point{0.695F, 0.745F}, Point{0.265F, 0.27F}, Point{0.735F, 0.27F}}) {
        const float d = std::hypot((x + 0.5F) / side - p.x, (y + 0.5F) / side - p.y);
        value += std::exp(-d * d / 0.012F);
      }
      mask->values.push_back(std::min(value, 1.0F));
    }
  }
  return mask;
}

/// A face with everything that can be drawn; landmarks at the standard template in its box.
inline overlay::OverlayFace whole_face(int id, const Box& box, const std::string& label = "happiness", double confidence = 0.87) {
  overlay::OverlayFace face;
  face.id = id;
  face.box = box;
  Landmarks marks;
  for (std::size_t i = 0; i < marks.size(); ++i)
    marks[i] = {box.x + kStandardTemplate[i].x * box.width, box.y + kStandardTemplate[i].y * box.height};
  face.landmarks = marks;
  face.crop_side = 52;
  face.warp = alignment_warp(marks, face.crop_side);
  face.mask = smiling_mask(48);
  overlay::FaceExpression e;
  e.label = label;
  e.confidence = confidence;
  const char* const names[] = {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"};
  for (const char* name : names) e.distribution.emplace_back(name, label == name ? confidence : (1 - confidence) / 6);
  face.expression = e;
  return face;
}

constexpr overlay::Size kFrame{640, 480};

/// What is painted for a face in `box` of a frame of kFrame.
inline overlay::OverlayPicture picture_at(const Box& box, bool mask = false) {
  overlay::PainterSettings settings;
  settings.show_landmarks = true;
  settings.show_mask = mask;
  overlay::OverlayPainter painter(settings);
  return painter.paint(whole_face(1, box), kFrame).value();
}

}  // namespace fmpn::test
