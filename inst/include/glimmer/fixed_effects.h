// The fixed effects beside H: with beta in the inner iteration the Newton system is
//   [ H      A'WX ] [u]      V = H^-1 A'WX ,  B = X'WX - (A'WX)'V
//   [ X'WA   X'WX ] [beta]
#ifndef GLIMMER_FIXED_EFFECTS_H
#define GLIMMER_FIXED_EFFECTS_H

#include "data.h"

namespace glimmer {

class FixedEffects {
 public:
  FixedEffects(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  /// After `system` has been factored at the weights w. False: B is not positive definite.
  bool factor(const Vector& w) {
    const Index p = data_.X.cols();
    coupling_.resize(data_.terms.size(), p);
    V_.resize(data_.terms.size(), p);
    Matrix B(p, p);
    for (Index j = 0; j < p; ++j) {
      const Vector wx = w.cwiseProduct(data_.X.col(j));
      coupling_.col(j) = random_score(wx);
      B.col(j).noalias() = data_.X.transpose() * wx;
      Vector column = coupling_.col(j);
      system_.solve(column);
      V_.col(j) = column;
    }
    B.noalias() -= coupling_.transpose() * V_;
    // scaled to unit diagonal: what follows does not depend on the units of the covariates
    scale_ = B.diagonal().cwiseMax(0.0).cwiseSqrt();
    if (!(scale_.array() > 0.0).all()) return false;
    scale_ = scale_.cwiseInverse();
    llt_.compute(scale_.asDiagonal() * B * scale_.asDiagonal());
    complement_ = std::move(B);
    return llt_.info() == Eigen::Success;
  }

  /// Solves the whole system in place.
  void solve(Vector& u, Vector& beta) const {
    beta -= V_.transpose() * u;
    beta = scale_.cwiseProduct(llt_.solve(scale_.cwiseProduct(beta)));
    system_.solve(u);
    u.noalias() -= V_ * beta;
  }

  /// B: the information on beta, the random effects eliminated.
  const Matrix& complement() const { return complement_; }

 private:
  /// A'v = Lambda'Z'v
  Vector random_score(const Vector& v) const {
    Vector sums = Vector::Zero(data_.terms.size());
    for (Index k = 0; k < data_.terms.count(); ++k) {
      add_by_level(data_, k, data_.all_levels(), v, sums);
      const Index q = data_.terms[k].effects(), levels = data_.terms[k].levels;
      Eigen::Map<Matrix> segment(sums.data() + data_.terms.start(k), q, levels);
      segment = (data_.terms.lambda(k).transpose() * segment).eval();
    }
    return sums;
  }

  const Data& data_;
  const BlockSystem& system_;
  Matrix coupling_, V_, complement_;
  Vector scale_;
  Eigen::LLT<Matrix> llt_;
};

}  // namespace glimmer

#endif
