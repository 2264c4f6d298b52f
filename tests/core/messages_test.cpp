#include "core/messages.h"

#include "core/warnings.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <iostream>
#include <ostream>
#include <string>

namespace fewstep {
namespace {

// What standard error gets while messages have a style.
std::string said(MessageStyle style, const std::function<void()>& speak) {
  testing::internal::CaptureStderr();
  set_message_style(style);
  std::ostream* const before = send_warnings_to(&messages());
  speak();
  send_warnings_to(before);
  set_message_style(MessageStyle::kLines);
  return testing::internal::GetCapturedStderr();
}

TEST(Messages, AreLinesOrNothingOrAnObjectALine) {
  const auto speak = [] {
    messages() << "stored in \"a b\".sqlite" << std::endl
               << "half "
               << "a line\n";
  };
  EXPECT_EQ(said(MessageStyle::kLines, speak), "stored in \"a b\".sqlite\nhalf a line\n");
  EXPECT_EQ(said(MessageStyle::kQuiet, speak), "");
  EXPECT_EQ(said(MessageStyle::kJson, speak),
            "{\"event\": \"message\", \"text\": \"stored in \\\"a b\\\".sqlite\"}\n"
            "{\"event\": \"message\", \"text\": \"half a line\"}\n");
}

TEST(Messages, TellAWarningAsOne) {
  const std::string line = said(MessageStyle::kJson, [] { warn("a.json", "key ignored"); });
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("event"), "warning");
  EXPECT_EQ(json.at("text"), "[a.json] key ignored");
}

TEST(Messages, OfBrokenTextAreJsonAllTheSame) {
  const auto json = nlohmann::json::parse(event_json("error", "bad \xff name\n\x01"));
  EXPECT_EQ(json.at("text"), "bad \xEF\xBF\xBD name\n\x01");
}

}  // namespace
}  // namespace fewstep
