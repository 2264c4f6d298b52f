#include "cli/commands.h"
#include "cli/options.h"
#include "core/names.h"
#include "reports/ablation.h"
#include "reports/printers.h"
#include "verdicts/printers.h"

namespace fewstep {
namespace {

void add_comparison(CLI::App& app, CompareRequest& request) {
  app.add_option("BASELINE", request.baseline,
                 "STORE, STORE#RUN or STORE#CHECKPOINT; of several seeds one each, by commas")
      ->required();
  app.add_option("CANDIDATE", request.candidate, "the same; what is judged")->required();
  add_only(app, request.only);
  app.add_option("--format", request.format, "how to print it")
      ->check(CLI::IsMember(texts(names_of(kVerdictFormats))))
      ->capture_default_str();
  app.add_option("-o,--output", request.outputs,
                 "a file beside, in the format of its ending: .md .json .xml (JUnit) .html .txt (repeatable)")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--unequal-noise", request.unequal_noise, "compare arms whose initial latents differ");
  app.add_flag("--retime", request.retime, "measure times of both in turn first, in processes of their own");
  app.add_option("--processes", request.processes, "of each arm that --retime starts")
      ->check(CLI::Range(5, 1000))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--remake-pictures", request.remake_pictures, "make the pictures of a page that were not kept");
  add_progress(app);
}

constexpr const char* kVerdictCodes =
    "Exit codes: 0 pass, 10 regression, 11 inconclusive, 12 not comparable, 13 incomplete; of several the first of\n"
    "13, 12, 10, 11.\n";

}  // namespace

void add_report(CLI::App& app, ReportRequest& request) {
  app.add_option("STORE", request.store, "SQLite file of fewstep run; STORE#3 is its run 3, STORE#lcm one checkpoint")
      ->required();
  app.add_option("MORE", request.more_stores, "more of them, side by side")->type_name("STORE");
  app.add_option("--format", request.format, "how to print it [table; of a file its ending's]")
      ->check(CLI::IsMember(texts(names_of(kReportFormats))));
  app.add_option("-o,--output", request.outputs,
                 "a file instead of standard output, in the format of its ending: .txt .md .tex .csv .parquet .json "
                 ".html .svg .png (repeatable)")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.option_defaults()->group("What is shown");
  app.add_flag("--full", request.full, "table: all of its provenance");
  add_only(app, request.only);
  app.add_option("-m,--metric", request.metrics, "these alone: fid, clip-score …, forwards, ms")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NAME,…");
  app.add_option("--rows", request.rows, "axes of the rows [checkpoint,sampler,omega]")->type_name("AXES");
  app.add_option("--columns", request.columns,
                 "axes of the columns [steps]; metric,steps makes one table of all metrics")
      ->type_name("AXES");
  app.add_option("--grid-prompts", request.grid_prompts, "html: prompts in the image grid, where images were kept")
      ->type_name("N")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  auto* remake = app.add_flag("--remake-pictures", request.remake_pictures,
                              "make the pictures of single prompts that a page shows and that were not kept");
  app.add_option("--history", request.history, "instead: a metric over the checkpoints of one store or several")
      ->type_name("METRIC")
      ->excludes(remake);
  app.add_option("--ablation", request.ablation, "instead: every metric over one setting")
      ->check(CLI::IsMember(texts(kAblationAxisNames)));
  app.add_option("--published", request.published, "numbers of a paper beside: a name of results/published, or a file")
      ->type_name("NAME");
  app.add_option("--figure", request.figure, "svg, png: which one")->type_name("N")->capture_default_str();
  app.add_option("--run", request.run, "one run of the store [the latest]")->type_name("ID");
  app.footer(
      "Example:\n  fewstep report results/pocket-demo.sqlite --format markdown\n"
      "  fewstep report results/pocket-demo.sqlite -o pocket.html -o pocket.csv\n"
      "  fewstep report results/pocket-demo.sqlite --columns metric,steps -o table.tex\n");
}

void add_compare(CLI::App& app, CompareRequest& request) {
  add_comparison(app, request);
  app.footer(std::string("Example:\n  fewstep compare results/main.sqlite results/new.sqlite -o verdict.html\n"
                         "  fewstep compare results/all.sqlite#lcm results/all.sqlite#lcm-k100\n") +
             kVerdictCodes);
}

void add_gate(CLI::App& app, CompareRequest& request) {
  add_comparison(app, request);
  app.add_option("--gate", request.gate, "margins, cells and exceptions [the defaults]; docs/gate.md tells the keys")
      ->type_name("GATE.toml");
  app.add_flag("--noise-floor", request.noise_floor,
               "run the baseline under another seed first; a margin below what that cannot tell apart is refused");
  app.footer(
      std::string("Example:\n  fewstep gate main.sqlite new.sqlite --gate GATE.toml -o verdict.md -o junit.xml\n") +
      kVerdictCodes);
}

void add_inspect(CLI::App& app, InspectRequest& request) {
  app.add_option("PATH", request.path, "folder or file")->required();
  app.add_flag("--json", request.json, "print JSON");
  app.footer("Example:\n  fewstep inspect stable-diffusion-v1-5\n");
}

void add_completion(CLI::App& app, CompletionRequest& request) {
  app.add_option("SHELL", request.shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  app.footer("Example:\n  fewstep completion bash\nTo try it: source <(fewstep completion bash)\n");
}

void add_schema(CLI::App& app, SchemaRequest& request) {
  app.add_option("KIND", request.kind, "experiment or recipe")
      ->required()
      ->check(CLI::IsMember({"experiment", "recipe"}));
  app.footer("Example:\n  fewstep schema experiment\n");
}

}  // namespace fewstep
