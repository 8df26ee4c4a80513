#include "nn/classification_net.h"

#include <fmpn/error.h>

#include "nn/inception_v3.h"
#include "nn/resnet18.h"

namespace fmpn {

ClassificationNet make_classification_net(const ClassificationNetOptions& o) {
  if (o.classes < 2 || o.classes > 1000)
    throw Error(ErrorCode::kBadSetting, "a CN of " + std::to_string(o.classes) + " classes; 2…1000 are possible");
  if (o.architecture == "inception_v3") return std::make_shared<InceptionV3Impl>(o.classes);
  if (o.architecture == "resnet18") {
    if (o.width < 4 || o.width > 512) throw Error(ErrorCode::kBadSetting, "CN width " + std::to_string(o.width) + " is not in 4…512");
    if (o.stem != "imagenet" && o.stem != "small")
      throw Error(ErrorCode::kBadSetting, "CN stem '" + o.stem + "': imagenet and small are known");
    return std::make_shared<ResNet18Impl>(o.classes, o.width, o.stem == "small");
  }
  throw Error(ErrorCode::kBadSetting, "CN '" + o.architecture + "': inception_v3 and resnet18 are known");
}

}  // namespace fmpn
