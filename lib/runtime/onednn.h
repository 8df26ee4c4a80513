#pragma once

#include <dnnl.hpp>

// oneDNN 2 (Debian 12) describes an operation first, oneDNN 3 (Debian 13) makes its primitive at once.
namespace fmpn::onednn {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

inline dnnl::convolution_forward::primitive_desc convolution(const dnnl::engine& engine, const Desc& source, const Desc& weight,
                                                             const Desc& bias, const Desc& target, const Dims& stride, const Dims& padding,
                                                             const dnnl::primitive_attr& attributes) {
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  constexpr auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, algorithm, source, weight, bias, target, stride, padding, padding, attributes};
#else
  return {{kind, algorithm, source, weight, bias, target, stride, padding, padding}, attributes, engine};
#endif
}

inline dnnl::pooling_forward::primitive_desc pooling(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& source,
                                                     const Desc& target, const Dims& stride, const Dims& kernel, const Dims& padding,
                                                     const dnnl::primitive_attr& attributes) {
  constexpr auto kind = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, algorithm, source, target, stride, kernel, Dims{0, 0}, padding, padding, attributes};
#else
  return {{kind, algorithm, source, target, stride, kernel, padding, padding}, attributes, engine};
#endif
}

inline void append_eltwise(dnnl::post_ops& steps, dnnl::algorithm algorithm, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  steps.append_eltwise(algorithm, alpha, 0);
#else
  steps.append_eltwise(1, algorithm, alpha, 0);
#endif
}

}  // namespace fmpn::onednn
