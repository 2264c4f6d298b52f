#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace fewstep {

// The ways of an item, one after the other; different items are in different stages at the same time. What next, make
// and measure do runs on the caller's thread, which feeds the device; the host's work never holds it up. Where make,
// prepare, measure or encode throws, Item::error keeps it, the item's next stages are passed over, and store gets it in
// its turn. What store throws ends the pipeline.
template <class Item>
struct Stages {
  std::function<std::unique_ptr<Item>()> next;                            // null where there are no more; may load
  std::function<void(Item&)> make;                                        // networks
  std::function<std::size_t(const Item&)> parts;                          // that host threads can work on at once
  std::function<void(Item&, std::size_t part)> prepare;                   // host threads: what measure needs
  std::function<void(Item&)> measure;                                     // networks
  std::function<void(Item&, std::size_t part)> encode;                    // host threads: what store needs
  std::function<void(Item&)> store;                                       // one thread, in the order of next
  std::function<void(const std::function<void()>& body)> on_host_thread;  // runs body with what such a thread needs
};

// In seconds. Networks ran in make and measure.
struct PipelineTimes {
  double wall = 0, loading = 0, networks = 0;
  double share_without_network() const { return wall > loading ? 1 - networks / (wall - loading) : 0; }
};

template <class Item>
class Pipeline {
 public:
  // ahead: how many items may be under way at once, 2 or more.
  Pipeline(const Stages<Item>& stages, int host_threads, std::size_t ahead) : stages_(stages), ahead_(ahead) {
    for (int i = 0; i < host_threads; ++i) start([this] { work_on_host(); });
    start([this] { work_on_store(); });
  }
  ~Pipeline() { stop(); }

  // Returns when every item is stored; throws what next or store threw.
  PipelineTimes run() {
    const auto begin = Clock::now();
    std::exception_ptr thrown;
    for (bool more = true; more || !is_over();) {
      const Slot ready = wait_for_work(more);
      if (failure()) break;
      if (ready) {
        measure(ready);
      } else if (more) {
        try {
          more = feed();
        } catch (...) {  // what is under way is still stored
          thrown = std::current_exception();
          more = false;
        }
      }
    }
    stop();
    times_.wall = seconds_since(begin);
    if (failure_) std::rethrow_exception(failure_);
    if (thrown) std::rethrow_exception(thrown);
    return times_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct UnderWay {
    std::unique_ptr<Item> item;
    std::size_t to_prepare = 0, to_encode = 0;
    std::exception_ptr error;  // of a host thread
    void take_error() {
      if (error && !item->error) item->error = error;
    }
  };
  using Slot = std::shared_ptr<UnderWay>;
  struct Task {
    Slot slot;
    std::size_t part = 0;
    bool encode = false;
  };

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  template <class Body>
  void start(Body body) {
    threads_.emplace_back([this, body] { stages_.on_host_thread(body); });
  }

  // The next item to measure, or none where another can be made; waits where neither is there.
  Slot wait_for_work(bool more) {
    std::unique_lock lock(mutex_);
    const auto prepared = [&] { return !line_.empty() && line_.front()->to_prepare == 0; };
    const auto room = [&] { return more && line_.size() + to_store_.size() + storing_ < ahead_; };
    changed_.wait(lock, [&] { return prepared() || room() || failure_ || (!more && line_.empty()); });
    return prepared() ? line_.front() : nullptr;
  }

  bool feed() {
    auto start = Clock::now();
    std::unique_ptr<Item> item = stages_.next();
    times_.loading += seconds_since(start);
    if (!item) return false;
    start = Clock::now();
    guarded(*item, [&] { stages_.make(*item); });
    times_.networks += seconds_since(start);
    const auto slot = std::make_shared<UnderWay>();
    const std::size_t parts = item->error ? 0 : stages_.parts(*item);
    *slot = {std::move(item), parts, parts, {}};
    const std::lock_guard lock(mutex_);
    line_.push_back(slot);
    for (std::size_t part = 0; part < parts; ++part) {
      prepare_.push_back({slot, part, false});
      encode_.push_back({slot, part, true});
    }
    changed_.notify_all();
    return true;
  }

  void measure(const Slot& slot) {
    {
      const std::lock_guard lock(mutex_);
      slot->take_error();
    }
    const auto start = Clock::now();
    guarded(*slot->item, [&] { stages_.measure(*slot->item); });
    times_.networks += seconds_since(start);
    const std::lock_guard lock(mutex_);
    line_.pop_front();
    to_store_.push_back(slot);
    changed_.notify_all();
  }

  // One of its item's stages on this thread alone.
  template <class Work>
  static void guarded(Item& item, Work&& work) {
    if (item.error) return;
    try {
      work();
    } catch (...) {
      item.error = std::current_exception();
    }
  }

  void work_on_host() {
    for (;;) {
      Task task;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || failure_ || !prepare_.empty() || !encode_.empty(); });
        if (failure_ || (prepare_.empty() && encode_.empty())) return;
        auto& from = prepare_.empty() ? encode_ : prepare_;  // the device waits for what is prepared
        task = std::move(from.front());
        from.pop_front();
      }
      std::exception_ptr error;
      try {
        (task.encode ? stages_.encode : stages_.prepare)(*task.slot->item, task.part);
      } catch (...) {
        error = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      if (error && !task.slot->error) task.slot->error = error;
      --(task.encode ? task.slot->to_encode : task.slot->to_prepare);
      changed_.notify_all();
    }
  }

  void work_on_store() {
    for (;;) {
      Slot slot;
      {
        std::unique_lock lock(mutex_);
        const auto ready = [&] { return !to_store_.empty() && to_store_.front()->to_encode == 0; };
        changed_.wait(lock, [&] { return failure_ || ready() || (stopping_ && to_store_.empty()); });
        if (failure_ || !ready()) return;
        slot = std::move(to_store_.front());
        to_store_.pop_front();
        slot->take_error();
        storing_ = 1;
      }
      std::exception_ptr failed;
      try {
        stages_.store(*slot->item);
      } catch (...) {
        failed = std::current_exception();
      }
      slot.reset();
      const std::lock_guard lock(mutex_);
      storing_ = 0;
      if (failed) failure_ = failed;
      changed_.notify_all();
    }
  }

  bool is_over() {
    const std::lock_guard lock(mutex_);
    return line_.empty();
  }
  bool failure() {
    const std::lock_guard lock(mutex_);
    return failure_ != nullptr;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

  const Stages<Item>& stages_;
  const std::size_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Slot> line_, to_store_;   // made and not measured; measured and not stored
  std::deque<Task> prepare_, encode_;  // of host threads
  std::size_t storing_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
  PipelineTimes times_;  // of the caller's thread
  std::vector<std::thread> threads_;
};

}  // namespace fewstep
