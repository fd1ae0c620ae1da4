// The Laplace approximation with the observed Hessian: l = h(u^) - log|R| + log|P| / 2, H = R R'.
// Its adjoint in H is -H^-1 / 2; the mode is stationary for h, so nothing reaches it directly. Where clusters do not
// all count once, each cluster's part of l and of the adjoints counts so often; its mode does not depend on that.
#ifndef GLIMMER_LAPLACE_H
#define GLIMMER_LAPLACE_H

#include "block_system.h"
#include "integral.h"

namespace glimmer {

class Laplace : public Integral {
 public:
  Laplace(const Data& data, BlockSystem& system) : data_(data), system_(system) {}

  int order() const override { return 3; }
  bool has_fixed_curvature() const override {
    return data_.factors.one_incidence() && data_.active.size() == 1 && data_.copies.size() == 0;
  }

  Value value(const Point& point) override {
    if (data_.copies.size() > 0) return Value(value_of_copies(point));
    const double sum = sum_over_chunks(data_, [&](Range chunk) {
      return point.log_densities.segment(chunk.begin, chunk.size()).sum() - system_.log_determinant(chunk);
    });
    return Value(sum - system_.log_determinant_rest() - 0.5 * data_.factors.penalty(point.u) +
                 data_.factors.half_log_precision());
  }

  void adjoint(const Point& point, Adjoint& out) override {
    if (system_.block_diagonal()) {
      for_chunks(data_, [&](Index, Range chunk) {
        for (Index g = chunk.begin; g < chunk.end; ++g) system_.inverse_level(g, out.H_bar);
      });
    } else {
      system_.inverse(out.H_bar);
    }
    out.H_bar *= -0.5;
    out.mode_bar.resize(0);
    for (Vector& own : out.eta_bar) own.resize(0);
    out.d3_bar.resize(0);
    out.d4_bar.resize(0);
    for (Index k = 0; k < data_.factors.count(); ++k) {  // Z'd1 u', level by level
      const Index q = data_.factors[k].effects(), levels = data_.factors[k].levels, at = data_.factors.start(k);
      Eigen::Map<const Matrix> score(point.score.data() + at, q, levels), u(point.u.data() + at, q, levels);
      out.lambda_bar[k].noalias() = score * u.transpose();
    }
    if (data_.copies.size() > 0) count_copies(point, out);
  }

 private:
  /// The rows of a block are those of one cluster, and the pivots of a component are its own in any order.
  double value_of_copies(const Point& point) const {
    double sum = 0.0;
    for (Index g = 0; g < data_.blocks(); ++g) {
      const Range rows = data_.rows_of({g, g + 1});
      if (rows.size() > 0) sum += data_.copies_of(rows.begin) * point.log_densities[g];
    }
    return sum - 0.5 * data_.copies.dot((point.u.array().square() + system_.pivots().array().log()).matrix());
  }

  void count_copies(const Point& point, Adjoint& out) const {
    const Factors& factors = data_.factors;
    const auto copies = [&](Index k, Index h) { return data_.copies[factors.position(k, h)]; };
    for (Index k = 0; k < factors.count(); ++k) {
      const Index q = factors[k].effects();
      out.lambda_bar[k].setZero();
      for (Index h = 0; h < factors[k].levels; ++h) {
        const Index at = factors.position(k, h);
        out.H_bar.diagonal(k, h) *= copies(k, h);
        out.lambda_bar[k] += copies(k, h) * point.score.segment(at, q) * point.u.segment(at, q).transpose();
      }
    }
    for (Index c = 0; c < data_.pattern.count(); ++c)
      for (Index j = 0; j < data_.pattern[c].blocks(); ++j)
        out.H_bar.crossing(c, j) *= copies(data_.pattern[c].first, data_.pattern[c].level_first[j]);
    for (int a = 0; a < data_.predictor_count(); ++a) {
      Vector d1 = point.d1(a);
      for (Index i = 0; i < d1.size(); ++i) d1[i] *= data_.copies_of(i);
      out.eta_bar[static_cast<std::size_t>(a)] = data_.same_for_all(a) ? Vector::Constant(1, d1.sum()) : d1;
    }
  }

  const Data& data_;
  BlockSystem& system_;
};

}  // namespace glimmer

#endif
