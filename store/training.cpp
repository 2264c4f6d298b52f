#include "store/training.h"

#include "core/files.h"
#include "store/database.h"
#include "store/read.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <cmath>

namespace fewstep {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLosses = 1'000'000;

void insert_losses(SQLite::Database& database, std::int64_t checkpoint, const LossCurve& losses) {
  SQLite::Statement insert(database, "INSERT INTO training_loss VALUES (?, ?, ?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const LossPoint& point : losses) {
    bind_all(insert, checkpoint, position++, point.phase, point.step, point.loss, point.gradient_norm,
             point.learning_rate);
    insert.exec();
  }
}

LossCurve losses_of(Store::Impl& store, std::int64_t checkpoint) {
  SQLite::Statement select(store.database,
                           fmt::format("SELECT phase, step, loss, gradient_norm, learning_rate FROM training_loss "
                                       "WHERE checkpoint_id = ? ORDER BY position LIMIT {}",
                                       kMaxLosses));
  bind_all(select, checkpoint);
  LossCurve losses;
  while (select.executeStep()) {
    losses.push_back({text_at(store.path, select, 0), integer_at(store.path, select, 1), real_at(store.path, select, 2),
                      real_at(store.path, select, 3), real_at(store.path, select, 4)});
  }
  return losses;
}

}  // namespace

void add_training(Store& store, const TrainingRecord& record) {
  Store::Impl& impl = store.impl();
  guarded(impl.path, [&] {
    SQLite::Transaction transaction(impl.database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement find(
        impl.database,
        "SELECT c.id, t.checkpoint_id FROM checkpoint c LEFT JOIN training t ON t.checkpoint_id = c.id "
        "WHERE c.sha256 = ?");
    bind_all(find, record.checkpoint_sha256);
    if (!find.executeStep())
      throw input_error(impl.path.string(), "expected the checkpoint " + record.checkpoint_sha256 + " in the store");
    if (!find.getColumn(1).isNull()) return;
    const std::int64_t checkpoint = find.getColumn(0).getInt64();
    const LossPoint last = record.losses.empty() ? LossPoint{} : record.losses.back();
    SQLite::Statement insert(impl.database, "INSERT INTO training VALUES (?, ?, ?, ?, ?)");
    bind_all(insert, checkpoint, record.recipe, record.parents, last.phase, last.step);
    insert.exec();
    insert_losses(impl.database, checkpoint, record.losses);
    transaction.commit();
  });
}

std::vector<TrainingRecord> read_trainings(Store& store) {
  if (schema_version(store) < 2) return {};
  Store::Impl& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database,
                             "SELECT t.checkpoint_id, c.sha256, t.recipe, t.parents FROM training t "
                             "JOIN checkpoint c ON c.id = t.checkpoint_id ORDER BY t.checkpoint_id");
    std::vector<TrainingRecord> records;
    while (select.executeStep()) {
      records.push_back({text_at(impl.path, select, 1), text_at(impl.path, select, 2), text_at(impl.path, select, 3),
                         losses_of(impl, integer_at(impl.path, select, 0))});
    }
    return records;
  });
}

std::optional<TrainingRecord> read_training_record(const std::filesystem::path& checkpoint_folder,
                                                   const std::string& checkpoint_sha256) {
  const auto file = checkpoint_folder / "fewstep.json";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {};
  TrainingRecord record;
  record.checkpoint_sha256 = checkpoint_sha256;
  try {
    const json content = json::parse(read_file(file, 1u << 28));
    record.recipe = content.at("recipe").dump();
    record.parents = content.at("parents").dump();
    record.losses = loss_curve_of(content.at("losses"));
  } catch (const json::exception& error) {
    throw input_error(file.string(), std::string("expected what fewstep distill writes, got: ") + error.what());
  }
  return record;
}

}  // namespace fewstep
