// Covariance structures: theta -> Lambda with Cov(b) = Lambda Lambda', and the pull-back of derivatives.
#ifndef GLIMMER_COVARIANCE_H
#define GLIMMER_COVARIANCE_H

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "types.h"

namespace glimmer {

/// One structure: how many parameters it has for q effects, Lambda from theta, and the adjoint of that map.
/// A new structure is one such struct and one line in covariance_structure().
struct CovarianceStructure {
  Index (*theta_count)(Index q);
  void (*lambda)(const double* theta, Eigen::Ref<Matrix> block);
  void (*pull_back)(const double* theta, const Eigen::Ref<const Matrix>& block_bar, double* theta_bar);
};

/// Any lower-triangular Lambda: theta is its lower triangle, column by column.
struct Unstructured {
  static Index theta_count(Index q) { return q * (q + 1) / 2; }

  static void lambda(const double* theta, Eigen::Ref<Matrix> block) {
    block.setZero();
    for (Index j = 0; j < block.cols(); ++j)
      for (Index i = j; i < block.rows(); ++i) block(i, j) = *theta++;
  }

  static void pull_back(const double*, const Eigen::Ref<const Matrix>& block_bar, double* theta_bar) {
    for (Index j = 0; j < block_bar.cols(); ++j)
      for (Index i = j; i < block_bar.rows(); ++i) *theta_bar++ += block_bar(i, j);
  }
};

/// A correlation matrix C C' of one parameter rho: the lower triangular C and its derivative, filled in place.
struct CompoundSymmetry {
  // the entries of a column below its diagonal are equal
  static void root(double rho, Matrix& C, Matrix& slope) {
    double used = 0, used_slope = 0;
    for (Index j = 0; j < C.cols(); ++j) {
      const double left = 1 - used;
      const double on = std::sqrt(left > -1e-10 ? std::max(left, 0.0) : left);  // not a number beyond the range of rho
      const bool some = on > 0;
      const double on_slope = some ? -used_slope / (2 * on) : 0, below = some ? (rho - used) / on : 0;
      const double below_slope = some ? (1 - used_slope - below * on_slope) / on : 0;
      const Index rest = C.rows() - j - 1;
      C(j, j) = on;
      C.col(j).tail(rest).setConstant(below);
      slope(j, j) = on_slope;
      slope.col(j).tail(rest).setConstant(below_slope);
      used += below * below;
      used_slope += 2 * below * below_slope;
    }
  }
};

/// Effects in order, correlation rho^|i - j|.
struct Autoregressive {
  static void root(double rho, Matrix& C, Matrix& slope) {
    const double rest = std::sqrt(1 - rho * rho);
    const double rest_slope = rest > 0 ? -rho / rest : 0;
    for (Index j = 0; j < C.cols(); ++j) {
      double power = 1, power_slope = 0;
      for (Index i = j; i < C.rows(); ++i) {
        C(i, j) = j > 0 ? power * rest : power;
        slope(i, j) = j > 0 ? power_slope * rest + power * rest_slope : power_slope;
        power_slope = power_slope * rho + power;
        power *= rho;
      }
    }
  }
};

struct Uncorrelated {};

/// Lambda = diag(|sd|) C: theta has the standard deviations, one for all effects or one each, then rho, if any.
template <class Correlation, bool common_sd>
struct Correlated {
  static constexpr bool has_rho = !std::is_same<Correlation, Uncorrelated>::value;

  static Index sd_count(Index q) { return common_sd ? 1 : q; }
  static Index theta_count(Index q) { return sd_count(q) + (has_rho && q > 1 ? 1 : 0); }

  static void lambda(const double* theta, Eigen::Ref<Matrix> block) {
    Matrix C, slope;
    root(theta, block.rows(), C, slope);
    for (Index i = 0; i < block.rows(); ++i) block.row(i) = std::abs(theta[common_sd ? 0 : i]) * C.row(i);
  }

  static void pull_back(const double* theta, const Eigen::Ref<const Matrix>& block_bar, double* theta_bar) {
    Matrix C, slope;
    const Index q = block_bar.rows();
    root(theta, q, C, slope);
    for (Index i = 0; i < q; ++i) {
      const Index at = common_sd ? 0 : i;
      theta_bar[at] += (theta[at] < 0 ? -1 : 1) * block_bar.row(i).dot(C.row(i));
      if (theta_count(q) > sd_count(q))
        theta_bar[sd_count(q)] += std::abs(theta[at]) * block_bar.row(i).dot(slope.row(i));
    }
  }

 private:
  static void root(const double* theta, Index q, Matrix& C, Matrix& slope) {
    C.setIdentity(q, q);
    slope.setZero(q, q);
    if constexpr (has_rho)
      if (q > 1) Correlation::root(theta[sd_count(q)], C, slope);
  }
};

template <class Structure>
CovarianceStructure functions_of() {
  return {Structure::theta_count, Structure::lambda, Structure::pull_back};
}

inline CovarianceStructure covariance_structure(const std::string& name) {
  if (name == "unstructured") return functions_of<Unstructured>();
  if (name == "diag") return functions_of<Correlated<Uncorrelated, false>>();
  if (name == "cs") return functions_of<Correlated<CompoundSymmetry, false>>();
  if (name == "ar1") return functions_of<Correlated<Autoregressive, true>>();
  throw std::invalid_argument("unknown covariance structure '" + name + "'");
}

/// Lambda of one grouping factor: a block for each term, with its place in the effects and in theta.
class BlockCovariance {
 public:
  void add(const std::string& structure, Index effects, Index theta_start) {
    const CovarianceStructure found = covariance_structure(structure);
    blocks_.push_back({found, effects_, effects, theta_start});
    effects_ += effects;
    theta_count_ += found.theta_count(effects);
    theta_end_ = std::max(theta_end_, theta_start + found.theta_count(effects));
  }

  Index effects() const { return effects_; }
  Index theta_count() const { return theta_count_; }
  Index theta_end() const { return theta_end_; }  ///< one beyond the last place in theta that is read

  void lambda(const Vector& theta, Matrix& out) const {
    out.setZero(effects_, effects_);
    for (const Block& block : blocks_)
      block.structure.lambda(theta.data() + block.theta,
                             out.block(block.effect, block.effect, block.size, block.size));
  }

  /// Adds to theta_bar the derivative of a function whose derivative in Lambda is lambda_bar.
  void pull_back(const Vector& theta, const Matrix& lambda_bar, Vector& theta_bar) const {
    for (const Block& block : blocks_)
      block.structure.pull_back(theta.data() + block.theta,
                                lambda_bar.block(block.effect, block.effect, block.size, block.size),
                                theta_bar.data() + block.theta);
  }

 private:
  struct Block {
    CovarianceStructure structure;
    Index effect, size, theta;
  };
  std::vector<Block> blocks_;
  Index effects_ = 0, theta_count_ = 0, theta_end_ = 0;
};

}  // namespace glimmer

#endif
