#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fmpn::train {

/// One object of a pickle that describes weights. Only the fields of its kind are set.
struct PickleValue {
  enum class Kind { kNone, kBool, kInt, kFloat, kString, kList, kTuple, kDict, kGlobal, kStorage, kTensor };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;                                                  ///< string; global: "module name"
  std::vector<const PickleValue*> items;                             ///< list, tuple
  std::vector<std::pair<const PickleValue*, const PickleValue*>> entries;  ///< dict, in the order of the file
  // A storage: `dtype` as safetensors calls it, its key, its number of elements. A tensor: a window into one.
  std::string dtype, key;
  std::int64_t elements = 0;
  const PickleValue* storage = nullptr;
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape, strides;
};

/// Reads the pickles in which PyTorch stores state dicts, executing nothing: a machine that knows the instructions and the
/// globals of such files and no others. Every length is checked against the bytes that are there, before it is used.
class PickleReader {
 public:
  /// `name` is the file, for errors; `bytes` must outlive the reader.
  PickleReader(std::string name, std::string_view bytes) : name_(std::move(name)), bytes_(bytes) {}

  /// The next pickle; the value lives as long as the reader. Throws Error(kBadFormat), naming the instruction or global.
  const PickleValue* next();
  /// Element type of every storage that was described so far, by key.
  std::map<std::string, std::string> storage_types() const;
  /// Where the pickle after this one, or other data, begins.
  std::size_t position() const { return at_; }

 private:
  using Value = const PickleValue*;
  PickleValue* make(PickleValue::Kind kind);
  [[noreturn]] void fail(const std::string& what) const;

  std::string_view take(std::uint64_t count);
  std::uint64_t number(int width);
  std::string line();

  PickleValue* pop();
  PickleValue* top(PickleValue::Kind kind, PickleValue::Kind other);
  std::vector<Value> pop_to_mark();
  void push_tuple(std::vector<Value> items);

  // Each does the instruction if it is one of its own; false: it is another's.
  bool push_constant(char instruction);
  bool use_memo(char instruction);
  bool make_container(char instruction);
  bool make_object(char instruction);
  void set_items(PickleValue* dict, const std::vector<Value>& flat);
  void push_global();
  void push_storage(Value id);
  void reduce();
  void build();
  PickleValue* rebuild_tensor(const std::vector<Value>& arguments);

  std::string name_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::deque<PickleValue> values_;  // owns every value; cycles among them harm nobody
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, PickleValue*> memo_;
};

}  // namespace fmpn::train
