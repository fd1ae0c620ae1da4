// The row kernel: log-density of each row and its derivatives in eta and phi, a chunk of rows at a time, into
// the caller's buffers. The rest of the core sees families and links through `Density` only.
#ifndef GLIMMER_DENSITY_H
#define GLIMMER_DENSITY_H

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "columns.h"
#include "types.h"

namespace glimmer {

/// What is known of one row: the response, the binomial number of trials (1 elsewhere), the prior weight.
struct Observation {
  double y, size, weight;
};

/// The responses of all rows, column by column.
struct Responses {
  Column y, size, weight;
  Observation operator[](Index i) const { return {y[i], size[i], weight[i]}; }
};

/// Derivatives of the rows' log-densities f, one element a row: d1 = f', w = -f'', d3 = w', d4 = d3',
/// d5 = d4' in eta; those ending in _phi are derivatives in phi.
struct RowDerivatives {
  Vector f, d1, w, d3, d4, d5;
  Vector f_phi, d1_phi, w_phi, d3_phi, d4_phi;
  Index first = 0;  ///< the row that the first elements belong to

  /// Space for the derivatives up to `order` in eta (1: d1, f_phi; 2: d1, w; 3: d1, w, d3 and those in phi; ...). That
  /// of f itself is asked for by f.resize().
  void reserve(Index rows, int order, bool dispersion) {
    Vector* in_eta[] = {&f, &d1, &w, &d3, &d4, &d5};
    for (int k = 1; k <= order; ++k) in_eta[k]->resize(rows);
    if (!dispersion || order == 0 || order == 2) return;
    Vector* in_phi[] = {&f_phi, &d1_phi, &w_phi, &d3_phi, &d4_phi};
    for (int k = 0; k < order; ++k) in_phi[k]->resize(rows);
  }
};

/// What f is in E = exp(eta): y eta - n log(1 + E), or y eta - E, times the weight; or neither.
enum class FormInExp { none, logistic, poisson };

class Density {
 public:
  virtual ~Density() = default;
  virtual bool has_dispersion() const = 0;
  /// The part of a row's log-density that depends on neither eta nor phi.
  virtual double constant(const Observation& o) const = 0;
  /// The linear predictors at which the mean is in the family's range: an open interval.
  virtual double lower_eta() const = 0;
  virtual double upper_eta() const = 0;
  /// Whether f is concave in eta for every response: the mode is then unique.
  virtual bool log_concave() const = 0;
  virtual FormInExp form_in_exp() const { return FormInExp::none; }
  /// Whether the log-densities of two rows with equal eta add up, but for a constant, to that of a row; that row.
  virtual bool rows_add_up() const = 0;
  virtual Observation sum_of(const Observation& a, const Observation& b) const = 0;
  /// Fills `out` on the rows of `range` up to `order` (0 to 5), f where there is space for it. Where eta is outside its
  /// interval, or so far out that f overflows, f is minus infinity and the derivatives are zero. The constant part is
  /// left out of f.
  virtual void evaluate(const Responses& responses, Range range, const Vector& eta, double phi, int order,
                        RowDerivatives& out) const = 0;
  /// Fills `out` up to `order` (0 to 2), but f, on the rows of a range of levels (those of level g: first_row[g] to
  /// first_row[g + 1]), and adds up the rows' f and |f|: sums[0], sizes[0] are those of the first level of the range.
  virtual void evaluate_levels(const Responses& responses, const Positions& first_row, Range levels, const Vector& eta,
                               double phi, int order, RowDerivatives& out, double* sums, double* sizes) const = 0;
  /// Expected weights (Fisher information in eta) on the rows of `range`: never negative.
  virtual void expected_weights(const Responses& responses, Range range, const Vector& eta, double phi,
                                Vector& out) const = 0;
};

/// The density of a family with a link, by the names that R gives them. Defined in densities.h.
std::unique_ptr<Density> make_density(const std::string& family, const std::string& link);
/// All that there are, as family/link.
std::vector<std::string> density_keys();

// Several linear predictors a row: mean, zero inflation, dispersion, shape alike.

/// A linear predictor of all rows; of length 1 where it is the same for all.
class Eta {
 public:
  Eta(const Vector& rows) : rows_(&rows), step_(rows.size() == 1 ? 0 : 1) {}  // NOLINT: a vector is a predictor
  double operator[](Index i) const { return (*rows_)[i * step_]; }
  const Vector& rows() const { return *rows_; }

 private:
  const Vector* rows_;
  Index step_;
};
using Etas = std::vector<Eta>;

/// Where pairs and triples of predictors, in any order, have their place.
inline std::size_t pair_place(int a, int b) {
  const int low = std::min(a, b), high = std::max(a, b);
  return static_cast<std::size_t>(high * (high + 1) / 2 + low);
}
inline std::size_t triple_place(int a, int b, int c) {
  const int low = std::min({a, b, c}), high = std::max({a, b, c}), middle = a + b + c - low - high;
  return static_cast<std::size_t>(high * (high + 1) * (high + 2) / 6) + pair_place(low, middle);
}

/// Derivatives of the rows' log-densities f in m predictors, one element a row: d1[a] in eta_a, w[pair_place(a, b)] =
/// -d2f, d3[triple_place(a, b, c)] that of w_ab in eta_c.
struct JointDerivatives {
  Vector f;
  std::vector<Vector> d1, w, d3;
  Index first = 0;  ///< the row that the first elements belong to

  /// Space for the derivatives up to `order` (0 to 3); that of f itself is asked for by f.resize().
  void reserve(Index rows, int order, int predictors) {
    std::vector<Vector>* const all[] = {&d1, &w, &d3};
    const std::size_t count[] = {static_cast<std::size_t>(predictors), pair_place(0, predictors),
                                 triple_place(0, 0, predictors)};
    for (int k = 0; k < order; ++k) all[k]->assign(count[k], Vector(rows));
  }
};

class JointDensity {
 public:
  virtual ~JointDensity() = default;
  virtual int predictors() const = 0;
  /// As those of Density, of predictor a.
  virtual double constant(const Observation& o) const = 0;
  virtual double lower_eta(int a) const = 0;
  virtual double upper_eta(int a) const = 0;
  /// Fills `out` on the rows of `range` up to `order` (0 to 3), f where there is space for it. Where f is not finite it
  /// is minus infinity, and the derivatives are zero.
  virtual void evaluate(const Responses& responses, Range range, const Etas& etas, int order,
                        JointDerivatives& out) const = 0;
};

/// A density with eta and phi as its predictors 0 and 1, phi the same for all rows: d1[1] = f_phi, w_01 = -d1_phi,
/// d3_001 = w_phi. Second derivatives in phi are NaN: they count only where phi has random effects.
class DispersionAsPredictor : public JointDensity {
 public:
  explicit DispersionAsPredictor(std::unique_ptr<Density> density) : density_(std::move(density)) {}
  int predictors() const override { return density_->has_dispersion() ? 2 : 1; }
  double constant(const Observation& o) const override { return density_->constant(o); }
  double lower_eta(int a) const override { return a == 0 ? density_->lower_eta() : -infinity; }
  double upper_eta(int a) const override { return a == 0 ? density_->upper_eta() : infinity; }

  void evaluate(const Responses& responses, Range range, const Etas& etas, int order,
                JointDerivatives& out) const override {
    const bool dispersed = density_->has_dispersion();
    // in phi order 2 comes with order 3 only
    const int asked = dispersed && order == 2 ? 3 : order;
    RowDerivatives rows;
    rows.first = range.begin;
    rows.reserve(range.size(), asked, dispersed);
    if (out.f.size() > 0) rows.f.resize(range.size());
    density_->evaluate(responses, range, etas[0].rows(), dispersed ? etas[1][0] : 0.0, asked, rows);
    const auto put = [&](Vector& to, const Vector& from, double sign) {
      to.segment(range.begin - out.first, range.size()) = sign * from.head(range.size());
    };
    if (out.f.size() > 0) put(out.f, rows.f, 1.0);
    if (order >= 1) put(out.d1[0], rows.d1, 1.0);
    if (order >= 2) put(out.w[pair_place(0, 0)], rows.w, 1.0);
    if (order >= 3) put(out.d3[triple_place(0, 0, 0)], rows.d3, 1.0);
    if (!dispersed) return;
    const Vector unknown = Vector::Constant(range.size(), std::numeric_limits<double>::quiet_NaN());
    if (order >= 1) put(out.d1[1], rows.f_phi, 1.0);
    if (order >= 2) put(out.w[pair_place(0, 1)], rows.d1_phi, -1.0);
    if (order >= 2) put(out.w[pair_place(1, 1)], unknown, 1.0);
    if (order < 3) return;
    put(out.d3[triple_place(0, 0, 1)], rows.w_phi, 1.0);
    put(out.d3[triple_place(0, 1, 1)], unknown, 1.0);
    put(out.d3[triple_place(1, 1, 1)], unknown, 1.0);
  }

 private:
  std::unique_ptr<Density> density_;
};

}  // namespace glimmer

#endif
