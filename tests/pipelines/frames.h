#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include "media.h"

/// The pictures of video files, and whether something is drawn over a face in them, or the face hidden.
namespace fmpn::test {

/// Frame `index`, from 0, of a video file, RGB. Throws where there is none.
inline cv::Mat frame_of(const std::string& path, int index) {
  struct Wanted {
    int left;
    cv::Mat frame;
  } wanted{index, {}};
  const auto keep = [](GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto& wanted = *static_cast<Wanted*>(data);
    if (wanted.left-- != 0) return GST_PAD_PROBE_OK;
    cv::Size size;
    GstCaps* caps = gst_pad_get_current_caps(pad);
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &size.width);
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "height", &size.height);
    gst_caps_unref(caps);
    GstMapInfo map;
    gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), &map, GST_MAP_READ);
    wanted.frame = cv::Mat(size, CV_8UC3, map.data, map.size / static_cast<std::size_t>(size.height)).clone();
    gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(info), &map);
    return GST_PAD_PROBE_OK;
  };
  run_pipeline("filesrc location=\"" + path + "\" ! decodebin ! videoconvert ! video/x-raw,format=RGB ! fakesink name=sink",
               {{"sink", "sink", keep, &wanted}});
  if (wanted.frame.empty()) throw std::runtime_error(path + ": has no frame " + std::to_string(index));
  return wanted.frame;
}

/// Where the picture's only face is, as fmpnalign finds it. Throws where there is not one.
inline cv::Rect face_in(const cv::Mat& picture) {
  Aligner aligner({});
  const auto faces = aligner.find(view_of(picture));
  if (faces.size() != 1) throw std::runtime_error(std::to_string(faces.size()) + " faces where one is meant to be");
  const Box& box = faces.front().box;
  return cv::Rect(cvRound(box.x), cvRound(box.y), cvRound(box.width), cvRound(box.height)) & cv::Rect({}, picture.size());
}

/// A part of a rectangle, about its centre; the larger ones end at the picture's border.
inline cv::Rect scaled(const cv::Rect& where, double scale, cv::Size picture) {
  const int dx = cvRound(where.width * (scale - 1) / 2), dy = cvRound(where.height * (scale - 1) / 2);
  return cv::Rect(where.x - dx, where.y - dy, where.width + 2 * dx, where.height + 2 * dy) & cv::Rect({}, picture);
}

/// Mean over the rectangle's pixels and channels of how far two pictures are apart, 0…255.
inline double difference(const cv::Mat& a, const cv::Mat& b, const cv::Rect& where) {
  return cv::norm(a(where), b(where), cv::NORM_L1) / (3.0 * where.area());
}

/// The same along the rectangle's edges, two pixels inside and outside of them.
inline double difference_at_edges(const cv::Mat& a, const cv::Mat& b, const cv::Rect& where) {
  const cv::Rect all({}, a.size());
  const cv::Rect outer = cv::Rect(where.x - 2, where.y - 2, where.width + 4, where.height + 4) & all;
  const cv::Rect inner = cv::Rect(where.x + 2, where.y + 2, where.width - 4, where.height - 4) & all;
  return (difference(a, b, outer) * outer.area() - difference(a, b, inner) * inner.area()) / (outer.area() - inner.area());
}

/// The median over all pixels of how far two pictures' grays are apart, 0…255: what is drawn over less than half of them does not count.
inline int tones_apart(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat grays[2], apart;
  cv::cvtColor(a, grays[0], cv::COLOR_RGB2GRAY);
  cv::cvtColor(b, grays[1], cv::COLOR_RGB2GRAY);
  cv::absdiff(grays[0], grays[1], apart);
  const auto middle = apart.begin<std::uint8_t>() + apart.rows * apart.cols / 2;
  std::nth_element(apart.begin<std::uint8_t>(), middle, apart.end<std::uint8_t>());
  return *middle;
}

/// How much of the source's fine detail (an eye, a mouth's corner) is to be seen in the other picture: the correlation of what is left
/// when the coarse tones are taken away. 1: all of it; 0: nothing.
inline double detail_kept(const cv::Mat& source, const cv::Mat& shown, const cv::Rect& where) {
  const auto detail = [&](const cv::Mat& picture) {
    cv::Mat fine, coarse;
    cv::cvtColor(picture(where), fine, cv::COLOR_RGB2GRAY);
    fine.convertTo(fine, CV_32F);
    cv::GaussianBlur(fine, coarse, {}, where.width / 24.0);
    return cv::Mat(fine - coarse);
  };
  const cv::Mat a = detail(source), b = detail(shown);
  return a.dot(b) / std::max(1e-9, std::sqrt(a.dot(a) * b.dot(b)));
}

/// A box is drawn around this face, and the face is to be seen in it.
inline void expect_box_drawn(const cv::Mat& source, const cv::Mat& shown, const cv::Rect& face) {
  ASSERT_EQ(source.size(), shown.size());
  EXPECT_GT(difference_at_edges(source, shown, face), 20) << "no box around the face";
  EXPECT_GT(detail_kept(source, shown, scaled(face, 0.7, source.size())), 0.8) << "the face is not to be seen";
}

/// The face cannot be made out; most of the picture around it is as it was.
inline void expect_face_hidden(const cv::Mat& source, const cv::Mat& shown, const cv::Rect& face) {
  ASSERT_EQ(source.size(), shown.size());
  EXPECT_LT(detail_kept(source, shown, scaled(face, 0.9, source.size())), 0.5) << "the face is to be seen";
  cv::Mat apart, around(source.size(), CV_8U, cv::Scalar(1)), changed;
  around(scaled(face, 1.6, source.size())).setTo(0);
  cv::absdiff(source, shown, apart);
  cv::cvtColor(apart, apart, cv::COLOR_RGB2GRAY);
  cv::bitwise_and(apart > 12, around * 255, changed);
  EXPECT_LT(cv::countNonZero(changed), cv::countNonZero(around) / 3) << "more than the face is changed";
}

}  // namespace fmpn::test
