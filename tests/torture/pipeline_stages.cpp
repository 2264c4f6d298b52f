// The pipeline with stages in place of networks, for ThreadSanitizer and for what it promises: every item stored once,
// in order, never more under way than allowed; errors on their way to the store; a store that fails ends all. Prints
// what differs; exit code 1 then. usage: fewstep_pipeline_tsan [ROUNDS]
#include "harness/run/pipeline.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>

namespace {

int failures = 0;

void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::printf("expected: %s\n", what.c_str());
  ++failures;
}

struct Item {
  int number = 0;
  int parts = 0;
  std::vector<int> prepared, encoded;  // written by host threads, one place each
  long sum = 0;                        // of the networks
  std::exception_ptr error;
};

struct Round {
  unsigned seed;
  int items, threads;
  std::size_t ahead;
  int fails_in_make = -1, fails_in_prepare = -1, fails_in_measure = -1, fails_in_encode = -1, fails_in_store = -1,
      fails_in_next = -1;
};

void pause(std::mt19937& random) {
  if (random() % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
}

void run(const Round& round) {
  std::mt19937 feeding(round.seed), storing(round.seed + 1);
  int made = 0;
  std::vector<int> stored;
  std::vector<bool> failed(static_cast<std::size_t>(round.items));
  std::atomic<int> under_way{0};
  int most = 0;
  const auto fail_if = [](bool fails, const char* what) {
    if (fails) throw std::runtime_error(what);
  };
  const fewstep::Stages<Item> stages{.next = [&]() -> std::unique_ptr<Item> {
                                       if (made == round.items) return nullptr;
                                       fail_if(made == round.fails_in_next, "next");
                                       auto item = std::make_unique<Item>();
                                       item->number = made++;
                                       item->parts = item->number % 4;
                                       most = std::max(most, ++under_way);
                                       return item;
                                     },
                                     .make =
                                         [&](Item& item) {
                                           pause(feeding);
                                           fail_if(item.number == round.fails_in_make, "make");
                                           item.prepared.resize(static_cast<std::size_t>(item.parts));
                                           item.encoded.resize(static_cast<std::size_t>(item.parts));
                                         },
                                     .parts = [](const Item& item) { return static_cast<std::size_t>(item.parts); },
                                     .prepare =
                                         [&](Item& item, std::size_t part) {
                                           fail_if(item.number == round.fails_in_prepare, "prepare");
                                           item.prepared[part] = item.number;
                                         },
                                     .measure =
                                         [&](Item& item) {
                                           pause(feeding);
                                           fail_if(item.number == round.fails_in_measure, "measure");
                                           for (const int one : item.prepared) item.sum += one;
                                         },
                                     .encode =
                                         [&](Item& item, std::size_t part) {
                                           fail_if(item.number == round.fails_in_encode, "encode");
                                           item.encoded[part] = 2 * item.number;
                                         },
                                     .store =
                                         [&](Item& item) {
                                           pause(storing);
                                           fail_if(item.number == round.fails_in_store, "store");
                                           stored.push_back(item.number);
                                           failed[static_cast<std::size_t>(item.number)] = item.error != nullptr;
                                           if (!item.error) {
                                             long encoded = 0;
                                             for (const int one : item.encoded) encoded += one;
                                             expect(
                                                 item.sum == long{item.number} * item.parts && encoded == 2 * item.sum,
                                                 "every part of every stage");
                                           }
                                           --under_way;
                                         },
                                     .on_host_thread = [](const std::function<void()>& body) { body(); }};
  std::string thrown;
  try {
    fewstep::Pipeline<Item>(stages, round.threads, round.ahead).run();
  } catch (const std::runtime_error& error) {
    thrown = error.what();
  }
  const auto in_order = [&] {
    for (std::size_t i = 0; i < stored.size(); ++i)
      if (stored[i] != static_cast<int>(i)) return false;
    return true;
  };
  expect(in_order(), "items stored once, in the order of next");
  expect(most <= static_cast<int>(round.ahead), "no more than " + std::to_string(round.ahead) + " items under way");
  if (round.fails_in_store >= 0) {
    expect(thrown == "store" && static_cast<int>(stored.size()) == round.fails_in_store, "the store's error ends all");
    return;
  }
  const int end = round.fails_in_next >= 0 ? round.fails_in_next : round.items;
  expect(static_cast<int>(stored.size()) == end, "what was made is stored");
  expect(thrown == (round.fails_in_next >= 0 ? "next" : ""), "the feed's error comes out");
  for (int i = 0; i < end; ++i) {
    const bool has_parts = i % 4 > 0;
    const bool expected = i == round.fails_in_make || i == round.fails_in_measure ||
                          (has_parts && (i == round.fails_in_prepare || i == round.fails_in_encode));
    expect(failed[static_cast<std::size_t>(i)] == expected,
           "the error of item " + std::to_string(i) + " at the store alone");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 60;
  std::mt19937 random(20231006);
  for (int i = 0; i < rounds; ++i) {
    Round round{static_cast<unsigned>(i), 1 + static_cast<int>(random() % 40), 1 + static_cast<int>(random() % 4),
                2 + random() % 4};
    int* const places[] = {nullptr,
                           &round.fails_in_make,
                           &round.fails_in_prepare,
                           &round.fails_in_measure,
                           &round.fails_in_encode,
                           &round.fails_in_store,
                           &round.fails_in_next};
    if (int* const place = places[random() % 7]) *place = static_cast<int>(random()) % round.items;
    for (int* const place : places)
      if (place && *place >= 0) *place %= round.items;
    run(round);
  }
  std::printf("%d rounds, %d failures\n", rounds, failures);
  return failures > 0;
}
