// What a model is made of.
#ifndef GLIMMER_DATA_H
#define GLIMMER_DATA_H

#include <memory>

#include "density.h"
#include "equal_rows.h"
#include "interrupt.h"
#include "factors.h"
#include "partition.h"
#include "pattern.h"
#include "predictor.h"
#include "types.h"

namespace glimmer {

/// The data of a model, its rows sorted by blocks, equal ones merged, and fixed from then on (but for Lambda, which
/// `factors` holds at the current theta).
struct Data {
  Responses responses;
  std::vector<Predictor> predictors;
  Factors factors;
  std::unique_ptr<const Density> density;
  Integers active;         ///< the predictors that random effects enter, and the first one
  Index callers_rows = 0;  ///< before equal ones were merged
  double constant = 0.0;  ///< sum of the parts of the log-densities that depend on no parameter
  Vector copies;          ///< laid out like u: how often an effect's cluster counts; empty: every one once
  Partition partition;
  Pattern pattern;
  Interrupt interrupt;    ///< asked between chunks
  int threads = 1;        ///< for the rows, where levels are separate: chunks then share nothing

  /// Predictors of the density that are not given are the same number for all rows.
  Data(Responses responses_, std::vector<Predictor> predictors_, Factors factors_,
       std::unique_ptr<const Density> density_, std::function<void()> ask = nullptr)
      : responses(std::move(responses_)), predictors(std::move(predictors_)), factors(std::move(factors_)),
        density(std::move(density_)), partition(sorted(*this)), pattern(factors) {
    interrupt.set(std::move(ask));
  }

  int predictor_count() const { return static_cast<int>(predictors.size()); }
  const Predictor& predictor(int a) const { return predictors[static_cast<std::size_t>(a)]; }
  /// The model matrix of the first predictor, whose coefficients an inner search may include.
  const FixedDesign& X() const { return predictors[0].X; }
  bool is_active(int a) const { return std::find(active.begin(), active.end(), a) != active.end(); }
  /// Whether a predictor is the same for all rows.
  bool same_for_all(int a) const { return !is_active(a) && predictor(a).constant(); }
  /// Whether f is concave in all predictors that random effects enter: the mode is then unique.
  bool log_concave() const { return active.size() == 1 && density->log_concave(); }
  /// How many parameters there are: coefficients of the first predictor, theta, coefficients of the others.
  Index parameter_count() const {
    Index count = factors.theta_count();
    for (const Predictor& own : predictors) count += own.X.columns();
    return count;
  }

  Index rows() const { return predictors[0].offset.size(); }
  Index blocks() const { return partition.blocks(); }
  Range all_blocks() const { return partition.all(); }
  Range rows_of(Range blocks) const { return partition.rows_of(blocks); }

  /// Other responses, sizes and weights of the caller's rows, and how often each counts. `copies`: for each of them how
  /// often the log-likelihood of its cluster counts, as of so many clusters with effects of their own; empty: once.
  void set_responses(const Responses& given, const Vector& copies_of_row = Vector()) {
    const Index n = callers_rows;
    check(given, n);
    copies = copies_of_effects(copies_of_row);
    constant = 0.0;
    Vector y(rows()), size(rows()), weight = Vector::Zero(rows()), times = Vector::Zero(rows());
    for (Index i = 0; i < n; ++i) {
      const Index at = partition.row_of(i);
      const Observation known{y[at], size[at], weight[at], times[at]};
      const Observation own = known.weight > 0.0 ? merged(known, given[i]) : counted(given[i]);
      if (given.times[i] > 0.0) constant += copies_of(at) * given.times[i] * density->constant(given[i]);
      y[at] = own.y, size[at] = own.size, weight[at] = own.weight, times[at] = own.times;
    }
    responses = {y, size, weight, times};
  }

  /// How often the cluster of a row counts.
  double copies_of(Index row) const {
    return copies.size() == 0 ? 1.0 : copies[factors.position(0, factors[0].first().level[row])];
  }

  /// How often a level of factor k, and all that is connected with it, counts.
  double copies_of_level(Index k, Index level) const {
    return copies.size() == 0 ? 1.0 : copies[factors.position(k, level)];
  }

  /// Whether rows are there, but none of them counts.
  bool left_out(Range rows) const {
    if (responses.once() || rows.size() == 0) return false;
    bool all = true;
    for (Index i = rows.begin; i < rows.end; ++i) all = all && responses.times[i] == 0.0;
    return all;
  }

  /// From a cluster of each of the caller's rows that of each row. No effect may belong to two clusters.
  Integers clusters_of_rows(const Integers& cluster, Index clusters) const {
    if (static_cast<Index>(cluster.size()) != callers_rows)
      throw std::invalid_argument("every row needs a cluster");
    const ConnectedLevels components(factors);
    Integers out(static_cast<std::size_t>(rows()), -1), known(static_cast<std::size_t>(components.count()), -1);
    for (Index i = 0; i < callers_rows; ++i) {
      const int own = cluster[static_cast<std::size_t>(i)];
      if (own < 0 || own >= clusters) throw std::invalid_argument("a cluster is out of range");
      const std::size_t row = static_cast<std::size_t>(partition.row_of(i));
      int& other = known[static_cast<std::size_t>(components.of(0, factors[0].first().level[row]))];
      if (other >= 0 && other != own) throw std::invalid_argument("random effects are shared by rows of two clusters");
      other = out[row] = own;
    }
    return out;
  }

  /// The levels of factor k that belong to a range of blocks: those of an eliminated factor; else all of them.
  Range levels_of(Index k, Range blocks) const {
    return k < factors.eliminated() ? blocks : Range{0, factors[k].levels};
  }

 private:
  /// Where the prior weight multiplies the log-density, it takes up how often a row counts that is not left out.
  Observation counted(Observation o) const {
    if (o.times > 0.0 && density->rows_add_up()) o.weight *= o.times, o.times = 1.0;
    return o;
  }

  /// Of equal rows, both as counted().
  Observation merged(const Observation& known, const Observation& other) const {
    if (known.times == 0.0) return counted(other);
    return other.times == 0.0 ? known : density->sum_of(known, counted(other));
  }

  /// From a number for each of the caller's rows, the same in all rows of a component.
  Vector copies_of_effects(const Vector& given) const {
    if (given.size() == 0 || (given.array() == 1.0).all()) return Vector();
    if (given.size() != callers_rows) throw std::invalid_argument("every row needs a number for its cluster");
    if (!Column(given).counts()) throw std::invalid_argument("how often a cluster counts must not be negative");
    if (!factors.independent()) throw std::invalid_argument("clusters share levels with a known covariance");
    const ConnectedLevels components(factors);
    Vector known = Vector::Constant(components.count(), -1.0);
    for (Index i = 0; i < callers_rows; ++i) {
      double& own = known[components.of(0, factors[0].first().level[partition.row_of(i)])];
      if (own >= 0.0 && own != given[i])
        throw std::invalid_argument("random effects are shared by rows whose clusters count differently");
      own = given[i];
    }
    Vector out(factors.size());
    for (Index k = 0; k < factors.count(); ++k)
      for (Index h = 0; h < factors[k].levels; ++h)
        out.segment(factors.position(k, h), factors[k].effects()).setConstant(std::fabs(known[components.of(k, h)]));
    return out;
  }

  /// Sorts the rows and merges equal ones.
  static Partition sorted(Data& data) {
    data.complete();
    check(data);
    data.callers_rows = data.rows();
    for (Index i = 0; i < data.rows(); ++i) data.constant += data.density->constant(data.responses[i]);
    Partition out(data.factors);
    Integers rows = out.order(data.factors);
    EqualRows equal(data.responses, data.predictors, data.factors, *data.density);
    if (equal.find(rows)) {
      rows = equal.kept();
      data.select(rows);
      data.responses = equal.merged();
      out.set_places(equal.places());
    } else if (!std::is_sorted(rows.begin(), rows.end())) {
      data.select(rows);
      for (auto column : Responses::columns) (data.responses.*column).select(rows);
      Integers places(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i) places[rows[i]] = static_cast<int>(i);
      out.set_places(std::move(places));
    }
    out.find_blocks(data.factors, rows);
    return out;
  }

  /// Adds the predictors that are not given, and finds each one's place in the parameters, and which are active.
  void complete() {
    if (predictors.empty()) throw std::invalid_argument("a model needs a predictor");
    while (predictor_count() < density->predictors()) predictors.push_back(constant_predictor(rows()));
    Index next = 0;
    for (int a = 0; a < predictor_count(); ++a) {
      Predictor& own = predictors[static_cast<std::size_t>(a)];
      if (a > 0) own.X.simplify();
      own.beta = {next, next + own.X.columns()};
      next = own.beta.end + (a == 0 ? factors.theta_count() : 0);
      if (a == 0 || factors.enter(a)) active.push_back(a);
    }
  }

  /// Keeps these rows of all but the responses.
  void select(const Integers& rows) {
    factors.select_rows(rows);
    for (Predictor& own : predictors) own.select(rows);
  }

  static void check(const Data& data) {
    const Index n = data.X().rows();
    check(data.responses, n);
    if (!data.responses.once()) throw std::invalid_argument("a model is made of rows that count once");
    for (const Predictor& own : data.predictors)
      if (own.offset.size() != n || own.X.rows() != n)
        throw std::invalid_argument("the rows of the offset and of X differ in number");
    if (data.predictor_count() != data.density->predictors())
      throw std::invalid_argument("there are more predictors than the density has");
    if (data.factors.last_predictor() >= data.predictor_count())
      throw std::invalid_argument("random effects enter a predictor that is not there");
    if (data.factors.rows() != n) throw std::invalid_argument("the rows of X and Z differ in number");
  }

  static void check(const Responses& responses, Index rows) {
    for (auto column : Responses::columns)
      if ((responses.*column).size() != rows)
        throw std::invalid_argument("the rows of the response and of X differ in number");
    if (!responses.weight.positive()) throw std::invalid_argument("prior weights must be positive");
    if (!responses.times.counts()) throw std::invalid_argument("how often a row counts must not be negative");
  }
};

}  // namespace glimmer

#endif
