#include "nn/classification_net.h"

#include <algorithm>

#include <fmpn/error.h>

#include "nn/densenet.h"
#include "nn/inception_v3.h"
#include "nn/resnet.h"
#include "nn/vgg.h"

namespace fmpn {
namespace {

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

bool is_known(const std::string& architecture) {
  const auto& known = classification_nets();
  return std::find(known.begin(), known.end(), architecture) != known.end();
}

void check(const ClassificationNetOptions& o) {
  const auto need = [](bool ok, const std::string& what) {
    if (!ok) throw Error(ErrorCode::kBadSetting, what);
  };
  std::string list;
  for (const auto& name : classification_nets()) list += (list.empty() ? "" : ", ") + name;
  need(is_known(o.architecture), "CN '" + o.architecture + "' is not known; these are: " + list);
  need(o.classes >= 2 && o.classes <= 1000, "a CN of " + std::to_string(o.classes) + " classes; 2…1000 are possible");
  const std::string width = "CN width " + std::to_string(o.width);
  need(o.width >= 4 && o.width <= 512, width + " is not in 4…512");
  need(o.architecture != "inception_v3" || o.width == 64, width + ": inception_v3 has one width, 64");
  need(o.architecture != "densenet121" || o.width % 2 == 0, width + ": densenet121 needs an even one");
  need(o.stem == "imagenet" || o.stem == "small", "CN stem '" + o.stem + "': imagenet and small are known");
  need(o.stem == "imagenet" || starts_with(o.architecture, "resnet"),
       "CN stem '" + o.stem + "': " + o.architecture + " has none but imagenet");
}

}  // namespace

const std::vector<std::string>& classification_nets() {
  static const std::vector<std::string> names{"inception_v3", "resnet18", "resnet50", "resnet152", "densenet121",
                                              "vgg16",        "vgg16_bn", "vgg19",    "vgg19_bn"};
  return names;
}

WidthProbe width_probe(const std::string& architecture, int64_t w) {
  if (!is_known(architecture)) return {};
  if (architecture == "resnet18") return {"layer4.1.conv2.weight", {8 * w, 8 * w, 3, 3}};
  if (starts_with(architecture, "resnet")) return {"layer4.2.conv2.weight", {8 * w, 8 * w, 3, 3}};
  if (architecture == "densenet121") return {"features.transition3.conv.weight", {8 * w, 16 * w, 1, 1}};
  if (starts_with(architecture, "vgg")) return {"classifier.3.weight", {64 * w, 64 * w}};
  return {};
}

ClassificationNet make_classification_net(const ClassificationNetOptions& o) {
  check(o);
  const std::string& name = o.architecture;
  if (name == "inception_v3") return std::make_shared<InceptionV3Impl>(o.classes);
  if (name == "densenet121") return std::make_shared<DenseNet121Impl>(o.classes, o.width);
  if (starts_with(name, "resnet")) return std::make_shared<ResNetImpl>(std::stoi(name.substr(6)), o.classes, o.width, o.stem == "small");
  return std::make_shared<VggImpl>(starts_with(name, "vgg16") ? 16 : 19, name.size() > 5, o.classes, o.width);
}

}  // namespace fmpn
