#include "reports/document.h"
#include "reports/printers.h"
#include "reports/safe_text.h"
#include "reports/scores.h"

#include <fmt/format.h>

#include <cmath>

namespace fewstep {
namespace {

// One field of a line: its column's name, its text. The header is written from the first line.
using Fields = std::vector<std::pair<std::string_view, std::string>>;

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

void append_line(std::string& out, const std::vector<std::string>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) out += (i ? "," : "") + fields[i];
  out += "\r\n";
}

std::string axis_text(const CellAxis& axis, const CellKey& key) {
  const CellValue value = axis.get(key);
  if (const auto* real = std::get_if<double>(&value)) return number(*real);
  return csv_text(value_text(axis, key));
}

Fields cell_fields(const StoredTable& table, const StoredCell& cell) {
  Fields fields{{"experiment", csv_text(table.run.experiment)}, {"run", std::to_string(cell.run_id)}};
  for (const CellAxis& axis : kCellAxes) fields.emplace_back(axis.name, axis_text(axis, cell.key));
  fields.insert(fields.end(), {{"state", std::string(name_of(cell.state))},
                               {"message", csv_text(cell.message)},
                               {"images_stored", std::to_string(cell.stored_images)},
                               {"images_expected", std::to_string(cell.expected_images)},
                               {"forwards_per_image", cell.forwards ? number(cell.forwards->mean) : ""},
                               {"forwards_min", cell.forwards ? std::to_string(cell.forwards->min) : ""},
                               {"forwards_max", cell.forwards ? std::to_string(cell.forwards->max) : ""}});
  return fields;
}

// A measured quantity of a cell: a score, or the milliseconds of a stage.
struct Measured {
  std::string metric, protocol, model_hash, reference_hash, version, higher_is_better, batch;
  std::string value, standard_error, p10, p90, count, flags;
};

Fields measured_fields(const Measured& measured) {
  return {{"metric", csv_text(measured.metric)},
          {"protocol", csv_text(measured.protocol)},
          {"metric_version", measured.version},
          {"model_hash", csv_text(measured.model_hash)},
          {"reference_hash", csv_text(measured.reference_hash)},
          {"higher_is_better", measured.higher_is_better},
          {"batch", measured.batch},
          {"value", measured.value},
          {"standard_error", measured.standard_error},
          {"p10", measured.p10},
          {"p90", measured.p90},
          {"count", measured.count},
          {"flags", csv_text(measured.flags)}};
}

Measured score_of(const StoredCell& cell, const ScoreKey& key) {
  Measured measured;
  measured.metric = key.metric.name;
  measured.protocol = key.metric.protocol;
  measured.model_hash = key.metric.model_hash;
  measured.reference_hash = key.reference_hash;
  measured.version = std::to_string(key.metric.version);
  measured.higher_is_better = key.metric.higher_is_better ? "1" : "0";
  if (const StoredScore* stored = find_score(cell, key)) {
    measured.value = number(stored->score.value);
    measured.standard_error = number(stored->score.standard_error);
    measured.count = std::to_string(stored->score.count);
    measured.flags = fmt::format("{}", fmt::join(words_of(stored->score.flags), ";"));
  }
  return measured;
}

Measured timing_of(const std::string& stage, int batch, const Quantiles& quantiles) {
  Measured measured;
  measured.metric = stage + "-ms-per-image";
  measured.protocol = "median";
  measured.higher_is_better = "0";
  measured.batch = std::to_string(batch);
  measured.value = number(quantiles.median);
  measured.p10 = number(quantiles.p10);
  measured.p90 = number(quantiles.p90);
  measured.count = std::to_string(quantiles.n);
  return measured;
}

std::vector<Measured> measured_of(const StoredCell& cell, const std::vector<ScoreKey>& keys) {
  std::vector<Measured> all;
  for (const ScoreKey& key : keys) all.push_back(score_of(cell, key));
  for (const BatchTiming& timing : cell.timings) {
    for (const auto& [stage, quantiles] : timing.stages) all.push_back(timing_of(stage, timing.batch, quantiles));
    if (timing.total) all.push_back(timing_of("total", timing.batch, *timing.total));
  }
  if (all.empty()) all.emplace_back();  // the cell and its state have a line whatever happens
  return all;
}

}  // namespace

std::string csv_of(const Document& document) {
  std::string out =
      "section," + fmt::format("{}", fmt::join(document.row_headers, ",")) + ",column,value,standard_error,text\n";
  for (const Section& section : document.sections) {
    for (std::size_t row = 0; row < section.entries.size(); ++row) {
      for (std::size_t column = 0; column < section.entries[row].size(); ++column) {
        const Entry& entry = section.entries[row][column];
        out += csv_text(section.title);
        for (const std::string& label : document.labels(section, row)) out += "," + csv_text(label);
        out += fmt::format(",{},{},{},{}\n", csv_text(document.column_headers[column]),
                           entry.number ? number(*entry.number) : "", entry.error ? number(*entry.error) : "",
                           csv_text(entry.text));
      }
    }
  }
  return out;
}

std::string print_csv(const ReportInput& input) {
  const StoredTable& table = input.table;
  const auto keys = score_keys(table.cells);
  std::string out;
  for (const StoredCell& cell : table.cells) {
    for (const Measured& measured : measured_of(cell, keys)) {
      Fields fields = cell_fields(table, cell);
      for (auto& field : measured_fields(measured)) fields.push_back(std::move(field));
      std::vector<std::string> names, texts;
      for (auto& [name, text] : fields) {
        names.emplace_back(name);
        texts.push_back(std::move(text));
      }
      if (out.empty()) append_line(out, names);
      append_line(out, texts);
    }
  }
  return out;
}

}  // namespace fewstep
