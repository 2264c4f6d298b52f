#include "store/training.h"

#include "core/files.h"
#include "store/database.h"
#include "store/read.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace fewstep {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLosses = 1'000'000;

void insert_losses(SQLite::Database& database, std::int64_t checkpoint, const std::vector<TrainingLoss>& losses) {
  SQLite::Statement insert(database, "INSERT INTO training_loss VALUES (?, ?, ?, ?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const TrainingLoss& point : losses) {
    insert.bind(1, checkpoint);
    insert.bind(2, position++);
    insert.bind(3, point.phase);
    insert.bind(4, point.step);
    insert.bind(5, point.loss);
    insert.bind(6, point.gradient_norm);
    insert.bind(7, point.learning_rate);
    insert.exec();
    insert.reset();
  }
}

std::vector<TrainingLoss> losses_of(Store::Impl& store, std::int64_t checkpoint) {
  SQLite::Statement select(store.database,
                           "SELECT phase, step, loss, gradient_norm, learning_rate FROM training_loss "
                           "WHERE checkpoint_id = ? ORDER BY position LIMIT " +
                               std::to_string(kMaxLosses));
  select.bind(1, checkpoint);
  std::vector<TrainingLoss> losses;
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
    find.bind(1, record.checkpoint_sha256);
    if (!find.executeStep())
      throw input_error(impl.path.string(), "expected the checkpoint " + record.checkpoint_sha256 + " in the store");
    if (!find.getColumn(1).isNull()) return;
    const std::int64_t checkpoint = find.getColumn(0).getInt64();
    SQLite::Statement insert(impl.database, "INSERT INTO training VALUES (?, ?, ?, ?, ?)");
    insert.bind(1, checkpoint);
    insert.bind(2, record.recipe);
    insert.bind(3, record.parents);
    insert.bind(4, record.losses.empty() ? "" : record.losses.back().phase);
    insert.bind(5, record.losses.empty() ? std::int64_t{0} : record.losses.back().step);
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
    for (const json& point : content.at("losses")) {
      record.losses.push_back({point.at(0).get<std::string>(), point.at(1).get<std::int64_t>(),
                               point.at(2).get<double>(), point.at(3).get<double>(), point.at(4).get<double>()});
    }
  } catch (const json::exception& error) {
    throw input_error(file.string(), std::string("expected what fewstep distill writes, got: ") + error.what());
  }
  return record;
}

}  // namespace fewstep
