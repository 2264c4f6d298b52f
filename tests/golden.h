#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>
#include <string>

namespace fewstep {

// tests/golden/NAME as JSON. Throws where it is missing, with the command that makes it.
inline nlohmann::json golden_json(const std::string& name) {
  std::ifstream file(std::string(FEWSTEP_TEST_DATA "/") + name);
  if (!file) throw std::runtime_error("tests/golden/" + name + " is missing; remake with: make golden");
  return nlohmann::json::parse(file);
}

}  // namespace fewstep
