// The row kernel: log-density of each row and its derivatives in its linear predictors (mean, dispersion, shape, zero
// inflation alike), a chunk of rows at a time, into the caller's buffers. The rest of the core sees families and links
// through `Density` only.
#ifndef GLIMMER_DENSITY_H
#define GLIMMER_DENSITY_H

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "columns.h"
#include "types.h"

namespace glimmer {

/// What is known of one row: the response, the binomial number of trials (1 elsewhere), the prior weight, and how often
/// the row counts.
struct Observation {
  double y, size, weight, times = 1.0;
};

/// The responses of all rows, column by column. Whatever a prior weight means to a family, a row's `times` multiplies
/// its log-density: 2 is the row twice, 0 leaves it out.
struct Responses {
  Column y, size, weight, times;

  Responses() = default;
  /// Every row once.
  Responses(Column y_, Column size_, Column weight_)
      : y(std::move(y_)), size(std::move(size_)), weight(std::move(weight_)), times(Vector::Ones(y.size())) {}
  Responses(Column y_, Column size_, Column weight_, Column times_)
      : y(std::move(y_)), size(std::move(size_)), weight(std::move(weight_)), times(std::move(times_)) {}

  Observation operator[](Index i) const { return {y[i], size[i], weight[i], times[i]}; }
  /// Whether every row counts once.
  bool once() const { return times.size() == 0 || (times.constant() && times[0] == 1.0); }

  static constexpr Column Responses::*columns[] = {&Responses::y, &Responses::size, &Responses::weight,
                                                   &Responses::times};
};

/// values[0], values[1], ... times how often the rows of a range count. What is left out becomes nothing, even where it
/// is infinite.
inline void multiply_by_times(const Column& times, Range rows, double* values) {
  for (Index i = rows.begin; i < rows.end; ++i) {
    double& own = values[i - rows.begin];
    own = times[i] == 0.0 ? 0.0 : times[i] * own;
  }
}

/// The linear predictors of all rows; one of length 1 is the same for all of them.
using Etas = std::vector<Vector>;

inline double eta_of(const Vector& eta, Index row) { return eta[eta.size() == 1 ? 0 : row]; }

/// Where pairs and triples of predictors, in any order, have their place.
constexpr std::size_t pair_place(int a, int b) {
  const int low = std::min(a, b), high = std::max(a, b);
  return static_cast<std::size_t>(high * (high + 1) / 2 + low);
}
constexpr std::size_t triple_place(int a, int b, int c) {
  const int low = std::min({a, b, c}), high = std::max({a, b, c}), middle = a + b + c - low - high;
  return static_cast<std::size_t>(high * (high + 1) * (high + 2) / 6) + pair_place(low, middle);
}

/// Derivatives of the rows' log-densities f in their predictors, one element a row: d1[a] in eta_a, w[pair_place(a, b)]
/// = -d2f, d3[triple_place(a, b, c)] that of w_ab in eta_c; of orders 4 and 5 those that an integral over effects in
/// the first predictor asks for, d4[a] that of d3_000 in eta_a, and d5[a] that of d4[0]. A place without space is not
/// asked for.
struct RowDerivatives {
  Vector f;
  std::vector<Vector> d1, w, d3, d4, d5;
  Index first = 0;  ///< the row that the first elements belong to

  /// Space for the derivatives up to `order` in the first `predictors` predictors. That of f itself is asked for by
  /// f.resize().
  void reserve(Index rows, int order, int predictors = 1) {
    const std::size_t m = static_cast<std::size_t>(predictors);
    const std::size_t count[] = {m, pair_place(0, predictors), triple_place(0, 0, predictors), m, m};
    for (int k = 1; k <= order; ++k) of_order(k).assign(count[k - 1], Vector(rows));
  }

  std::vector<Vector>& of_order(int k) { return this->*orders[k - 1]; }
  const std::vector<Vector>& of_order(int k) const { return this->*orders[k - 1]; }

  /// Where a derivative of the first row goes; null: there is no space for it.
  double* column(int order, std::size_t place) {
    std::vector<Vector>& all = of_order(order);
    return place < all.size() && all[place].size() > 0 ? all[place].data() : nullptr;
  }

  /// Multiplies the derivatives up to `order` by how often the rows of a range count.
  void multiply_by(const Column& times, Range rows, int order) {
    for (int k = 1; k <= order; ++k)
      for (Vector& own : of_order(k))
        if (own.size() > 0) multiply_by_times(times, rows, own.data() + (rows.begin - first));
  }

  /// Whether anything up to `order` is asked for beside what is in the first predictor alone.
  bool asks_beyond_first(int order) const {
    for (int k = 1; k <= order; ++k)
      for (std::size_t place = 1; place < of_order(k).size(); ++place)
        if (of_order(k)[place].size() > 0) return true;
    return false;
  }

 private:
  static constexpr std::vector<Vector> RowDerivatives::*orders[] = {&RowDerivatives::d1, &RowDerivatives::w,
                                                                    &RowDerivatives::d3, &RowDerivatives::d4,
                                                                    &RowDerivatives::d5};
};

/// What f is in E = exp(eta): y eta - n log(1 + E), or y eta - E, times the weight; or neither.
enum class FormInExp { none, logistic, poisson };

/// What a density gives of rows counts each as often as the responses say; the densities themselves, the private
/// members, know every row once.
class Density {
 public:
  virtual ~Density() = default;
  /// How many predictors a row has: the first for the mean, then dispersion, shape and so on.
  virtual int predictors() const = 0;
  /// The part of a row's log-density that depends on no predictor, the row once.
  virtual double constant(const Observation& o) const = 0;
  /// The values of predictor a that the family allows (of the first: at which the mean is in the family's range): an
  /// open interval.
  virtual double lower_eta(int a) const = 0;
  virtual double upper_eta(int a) const = 0;
  /// Whether f is concave in the first predictor for every response: a mode in it is then unique.
  virtual bool log_concave() const = 0;
  virtual FormInExp form_in_exp() const { return FormInExp::none; }
  /// Whether the log-densities of two rows with equal predictors add up, but for a constant, to that of a row; and that
  /// row. The prior weight then multiplies the log-density.
  virtual bool rows_add_up() const { return false; }
  virtual Observation sum_of(const Observation&, const Observation&) const {
    throw std::logic_error("rows of this family do not add up");
  }
  /// Fills what `out` has space for on the rows of `range`, f and the derivatives up to `order` (0 to 5). Where a
  /// predictor is outside its interval, or so far out that f overflows, f is minus infinity and the derivatives are
  /// zero. The constant part is left out of f.
  void evaluate(const Responses& responses, Range range, const Etas& etas, int order, RowDerivatives& out) const {
    double* const f = out.f.size() > 0 ? out.f.data() + (range.begin - out.first) : nullptr;
    fill_rows(responses, range, etas, order, out, f);
    if (responses.once()) return;
    if (f) multiply_by_times(responses.times, range, f);
    out.multiply_by(responses.times, range, order);
  }

  /// Fills `out` up to `order` (0 to 2), but f, on the rows of a range of levels (those of level g: first_row[g] to
  /// first_row[g + 1]), and adds up the rows' f and |f|: sums[0], sizes[0] are those of the first level of the range.
  void evaluate_levels(const Responses& responses, const Positions& first_row, Range levels, const Etas& etas,
                       int order, RowDerivatives& out, double* sums, double* sizes) const {
    if (responses.once()) return fill_levels(responses, first_row, levels, etas, order, out, sums, sizes);
    const Range rows{first_row[levels.begin], first_row[levels.end]};
    Vector f(rows.size());
    fill_rows(responses, rows, etas, order, out, f.data());
    multiply_by_times(responses.times, rows, f.data());
    out.multiply_by(responses.times, rows, order);
    for (Index g = levels.begin; g < levels.end; ++g) {
      const auto own = f.segment(first_row[g] - rows.begin, first_row[g + 1] - first_row[g]);
      sums[g - levels.begin] = own.sum();
      sizes[g - levels.begin] = own.cwiseAbs().sum();
    }
  }

  /// Expected weights (Fisher information in the first predictor) on the rows of `range`: never negative, zero where
  /// they are not known.
  void expected_weights(const Responses& responses, Range range, const Etas& etas, Vector& out) const {
    fill_expected_weights(responses, range, etas, out);
    if (!responses.once()) multiply_by_times(responses.times, range, out.data() + range.begin);
  }

 private:
  /// `f`: null, or where the log-density of the first row of the range goes.
  virtual void fill_rows(const Responses& responses, Range range, const Etas& etas, int order, RowDerivatives& out,
                         double* f) const = 0;
  virtual void fill_levels(const Responses& responses, const Positions& first_row, Range levels, const Etas& etas,
                           int order, RowDerivatives& out, double* sums, double* sizes) const = 0;
  virtual void fill_expected_weights(const Responses& responses, Range range, const Etas& etas, Vector& out) const = 0;
};

/// The density of a family with a link, by the names that R gives them. Defined in densities.h.
std::unique_ptr<Density> make_density(const std::string& family, const std::string& link);
/// All that there are, as family/link.
std::vector<std::string> density_keys();

}  // namespace glimmer

#endif
