// make_tiny_model FILE: the model file that the tests of elements and pipelines run with.

#include <iostream>

#include "tiny_model.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_tiny_model FILE\n";
    return 2;
  }
  try {
    fmpn::test::write_tiny_model(argv[1]);
  } catch (const std::exception& fault) {
    std::cerr << fault.what() << '\n';
    return 1;
  }
  return 0;
}
