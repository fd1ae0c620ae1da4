// The row kernel: log-density of each row and its derivatives in eta and phi, a chunk of rows at a time, into
// the caller's buffers. The rest of the core sees families and links through `Density` only.
#ifndef GLIMMER_DENSITY_H
#define GLIMMER_DENSITY_H

#include <memory>
#include <string>

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

}  // namespace glimmer

#endif
