#include "pickle.h"

#include <cstring>

#include <fmpn/error.h>

namespace fmpn::train {
namespace {

using Kind = PickleValue::Kind;

/// What safetensors calls the elements of a storage class of PyTorch; empty: no such class.
std::string storage_dtype(const std::string& global) {
  static const std::map<std::string, std::string> known{
      {"torch FloatStorage", "F32"}, {"torch DoubleStorage", "F64"}, {"torch HalfStorage", "F16"}, {"torch BFloat16Storage", "BF16"},
      {"torch LongStorage", "I64"},  {"torch IntStorage", "I32"},    {"torch ShortStorage", "I16"}, {"torch CharStorage", "I8"},
      {"torch ByteStorage", "U8"},   {"torch BoolStorage", "BOOL"}};
  const auto found = known.find(global);
  return found == known.end() ? "" : found->second;
}

bool is_known_function(const std::string& global) {
  return global == "collections OrderedDict" || global == "torch._utils _rebuild_tensor_v2" || global == "torch._utils _rebuild_tensor" ||
         global == "torch._utils _rebuild_parameter";
}

std::string described(char instruction) {
  char hex[8];
  std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(instruction)));
  return instruction > ' ' && instruction < 0x7f ? std::string("'") + instruction + "' (" + hex + ")" : hex;
}

}  // namespace

void PickleReader::fail(const std::string& what) const {
  throw Error(ErrorCode::kBadFormat,
              name_ + ": not a file of weights that can be read: " + what + " (byte " + std::to_string(at_) + " of its pickle)");
}

PickleValue* PickleReader::make(Kind kind) {
  values_.emplace_back();
  values_.back().kind = kind;
  return &values_.back();
}

std::string_view PickleReader::take(std::uint64_t count) {
  if (count > bytes_.size() - at_) fail("it ends too early");
  const auto part = bytes_.substr(at_, count);
  at_ += count;
  return part;
}

std::uint64_t PickleReader::number(int width) {
  const auto raw = take(static_cast<std::uint64_t>(width));
  std::uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(raw[static_cast<std::size_t>(i)]);
  return value;
}

std::string PickleReader::line() {
  const auto end = bytes_.find('\n', at_);
  if (end == std::string_view::npos || end - at_ > 200) fail("a global without a name");
  const std::string text(take(end - at_));
  take(1);
  return text;
}

PickleValue* PickleReader::pop() {
  if (stack_.empty() || (!marks_.empty() && marks_.back() >= stack_.size())) fail("an instruction lacks its operand");
  PickleValue* value = stack_.back();
  stack_.pop_back();
  return value;
}

PickleValue* PickleReader::top(Kind kind, Kind other) {
  PickleValue* value = pop();
  if (value->kind != kind && value->kind != other) fail("an instruction has an operand of another kind than it takes");
  stack_.push_back(value);
  return value;
}

std::vector<const PickleValue*> PickleReader::pop_to_mark() {
  if (marks_.empty()) fail("a mark is missing");
  const std::size_t mark = marks_.back();
  marks_.pop_back();
  std::vector<Value> items(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
  stack_.resize(mark);
  return items;
}

void PickleReader::push_tuple(std::vector<Value> items) {
  PickleValue* tuple = make(Kind::kTuple);
  tuple->items = std::move(items);
  stack_.push_back(tuple);
}

const PickleValue* PickleReader::next() {
  stack_.clear();
  marks_.clear();
  memo_.clear();
  for (;;) {
    const char instruction = take(1)[0];
    if (instruction == '.') {
      if (stack_.size() != 1 || !marks_.empty()) fail("it stops in the middle of an object");
      return stack_[0];
    }
    if (instruction == '\x80') {
      if (const auto protocol = number(1); protocol != 2) fail("pickle protocol " + std::to_string(protocol) + "; PyTorch writes 2");
    } else if (!push_constant(instruction) && !use_memo(instruction) && !make_container(instruction) && !make_object(instruction)) {
      fail("the instruction " + described(instruction) + " has no place in one");
    }
  }
}

std::map<std::string, std::string> PickleReader::storage_types() const {
  std::map<std::string, std::string> types;
  for (const PickleValue& value : values_)
    if (value.kind == Kind::kStorage && !types.emplace(value.key, value.dtype).second && types[value.key] != value.dtype)
      fail("storage '" + value.key + "' has two types");
  return types;
}

bool PickleReader::push_constant(char instruction) {
  const auto integer = [&](std::int64_t value) {
    stack_.push_back(make(Kind::kInt));
    stack_.back()->integer = value;
  };
  const auto text = [&](std::uint64_t length) {
    const auto part = take(length);
    stack_.push_back(make(Kind::kString));
    stack_.back()->text = std::string(part);
  };
  switch (instruction) {
    case 'N': stack_.push_back(make(Kind::kNone)); return true;
    case '\x88':
    case '\x89':
      stack_.push_back(make(Kind::kBool));
      stack_.back()->integer = instruction == '\x88' ? 1 : 0;
      return true;
    case 'K': integer(static_cast<std::int64_t>(number(1))); return true;
    case 'M': integer(static_cast<std::int64_t>(number(2))); return true;
    case 'J': integer(static_cast<std::int32_t>(number(4))); return true;
    case '\x8a': {
      // Little-endian two's complement. The magic number of old files has ten bytes: what does not fit is kept as text.
      const auto raw = take(number(1));
      std::uint64_t value = !raw.empty() && (raw.back() & 0x80) != 0 ? ~0ULL : 0;
      if (raw.size() <= 8)
        for (std::size_t i = raw.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
      integer(raw.size() <= 8 ? static_cast<std::int64_t>(value) : 0);
      stack_.back()->text = std::string(raw);
      return true;
    }
    case 'G': {
      const auto raw = take(8);
      std::uint64_t bits = 0;
      for (const char c : raw) bits = bits << 8 | static_cast<unsigned char>(c);
      stack_.push_back(make(Kind::kFloat));
      std::memcpy(&stack_.back()->number, &bits, sizeof bits);
      return true;
    }
    case 'X':
    case 'T': text(number(4)); return true;
    case 'U': text(number(1)); return true;
    default: return false;
  }
}

bool PickleReader::use_memo(char instruction) {
  if (instruction == 'q' || instruction == 'r') {
    const auto index = number(instruction == 'q' ? 1 : 4);
    PickleValue* value = pop();
    stack_.push_back(value);
    memo_[index] = value;
    return true;
  }
  if (instruction != 'h' && instruction != 'j') return false;
  const auto found = memo_.find(number(instruction == 'h' ? 1 : 4));
  if (found == memo_.end()) fail("it refers to an object that it does not have");
  stack_.push_back(found->second);
  return true;
}

bool PickleReader::make_container(char instruction) {
  switch (instruction) {
    case '(': marks_.push_back(stack_.size()); return true;
    case '}': stack_.push_back(make(Kind::kDict)); return true;
    case ']': stack_.push_back(make(Kind::kList)); return true;
    case ')': push_tuple({}); return true;
    case 't': push_tuple(pop_to_mark()); return true;
    case '\x85':
    case '\x86':
    case '\x87': {
      std::vector<Value> items(static_cast<std::size_t>(static_cast<unsigned char>(instruction) - 0x84));
      for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
      push_tuple(std::move(items));
      return true;
    }
    case 'a': {
      Value item = pop();
      top(Kind::kList, Kind::kList)->items.push_back(item);
      return true;
    }
    case 'e': {
      const auto items = pop_to_mark();
      auto& list = top(Kind::kList, Kind::kList)->items;
      list.insert(list.end(), items.begin(), items.end());
      return true;
    }
    case 's': {
      Value value = pop(), key = pop();
      set_items(top(Kind::kDict, Kind::kDict), {key, value});
      return true;
    }
    case 'u': {
      const auto items = pop_to_mark();
      set_items(top(Kind::kDict, Kind::kDict), items);
      return true;
    }
    default: return false;
  }
}

void PickleReader::set_items(PickleValue* dict, const std::vector<Value>& flat) {
  if (flat.size() % 2 != 0) fail("a dict with a key that has no value");
  for (std::size_t i = 0; i < flat.size(); i += 2) dict->entries.emplace_back(flat[i], flat[i + 1]);
}

bool PickleReader::make_object(char instruction) {
  switch (instruction) {
    case 'c': push_global(); return true;
    case 'Q': push_storage(pop()); return true;
    case 'R': reduce(); return true;
    case 'b': build(); return true;
    default: return false;
  }
}

void PickleReader::push_global() {
  const std::string module = line();
  const std::string global = module + ' ' + line();
  if (!is_known_function(global) && storage_dtype(global).empty()) fail("the global '" + global + "' has no place in one");
  stack_.push_back(make(Kind::kGlobal));
  stack_.back()->text = global;
}

/// ('storage', class, key, device, number of elements), and in old files a view, which is None.
void PickleReader::push_storage(Value id) {
  const auto& items = id->items;
  const bool good = id->kind == Kind::kTuple && (items.size() == 5 || (items.size() == 6 && items[5]->kind == Kind::kNone)) &&
                    items[0]->text == "storage" && items[1]->kind == Kind::kGlobal && items[2]->kind == Kind::kString &&
                    items[4]->kind == Kind::kInt && items[4]->integer >= 0;
  if (!good) fail("a storage is not described as PyTorch does");
  PickleValue* storage = make(Kind::kStorage);
  storage->dtype = storage_dtype(items[1]->text);
  if (storage->dtype.empty()) fail("'" + items[1]->text + "' is no storage");
  storage->key = items[2]->text;
  storage->elements = items[4]->integer;
  stack_.push_back(storage);
}

void PickleReader::reduce() {
  Value arguments = pop(), function = pop();
  if (function->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) fail("a call of something that is no function");
  if (function->text == "collections OrderedDict") {
    if (!arguments->items.empty()) fail("an OrderedDict with arguments");
    stack_.push_back(make(Kind::kDict));
  } else if (function->text == "torch._utils _rebuild_parameter") {
    if (arguments->items.empty() || arguments->items[0]->kind != Kind::kTensor) fail("a parameter that is no tensor");
    stack_.push_back(make(Kind::kTensor));
    *stack_.back() = *arguments->items[0];
  } else if (is_known_function(function->text)) {
    stack_.push_back(rebuild_tensor(arguments->items));
  } else {
    fail("a call of '" + function->text + "'");
  }
}

/// (storage, offset, shape, strides, …): what follows concerns gradients.
PickleValue* PickleReader::rebuild_tensor(const std::vector<Value>& arguments) {
  const auto whole_numbers = [&](Value list) {
    std::vector<std::int64_t> numbers;
    for (Value item : list->items) {
      if (item->kind != Kind::kInt || item->integer < 0) fail("a tensor with a side or stride that is no number ≥ 0");
      numbers.push_back(item->integer);
    }
    return numbers;
  };
  if (arguments.size() < 4 || arguments[0]->kind != Kind::kStorage || arguments[1]->kind != Kind::kInt || arguments[1]->integer < 0 ||
      arguments[2]->kind != Kind::kTuple || arguments[3]->kind != Kind::kTuple ||
      arguments[2]->items.size() != arguments[3]->items.size() || arguments[2]->items.size() > 16)
    fail("a tensor is not described as PyTorch does");
  PickleValue* tensor = make(Kind::kTensor);
  tensor->storage = arguments[0];
  tensor->dtype = arguments[0]->dtype;
  tensor->offset = arguments[1]->integer;
  tensor->shape = whole_numbers(arguments[2]);
  tensor->strides = whole_numbers(arguments[3]);
  return tensor;
}

/// The attributes of a state dict (`_metadata`) say nothing about the weights.
void PickleReader::build() {
  Value attributes = pop();
  if (attributes->kind != Kind::kDict) fail("attributes that are no dict");
  top(Kind::kDict, Kind::kDict);
}

}  // namespace fmpn::train
