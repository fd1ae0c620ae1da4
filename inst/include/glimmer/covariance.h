// Covariance structures: theta -> Lambda with Cov(b) = Lambda Lambda', and the pull-back of derivatives.
#ifndef GLIMMER_COVARIANCE_H
#define GLIMMER_COVARIANCE_H

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "jet.h"
#include "types.h"

namespace glimmer {

/// One structure: how many parameters it has for q effects, Lambda from theta, which elements of Lambda move with it,
/// the adjoint of that map, and the second derivative of <block_bar, Lambda> in theta, which is added to a matrix.
/// A new structure is one such struct and one line in covariance_structure().
struct CovarianceStructure {
  Index (*theta_count)(Index q);
  void (*lambda)(const double* theta, Eigen::Ref<Matrix> block);
  bool (*moves)(Index row, Index column);
  void (*pull_back)(const double* theta, const Eigen::Ref<const Matrix>& block_bar, double* theta_bar);
  void (*add_curvature)(const double* theta, const Eigen::Ref<const Matrix>& block_bar, Eigen::Ref<Matrix> out);
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

  static bool moves(Index row, Index column) { return row >= column; }
  static void add_curvature(const double*, const Eigen::Ref<const Matrix>&, Eigen::Ref<Matrix>) {}  // linear in theta
};

/// The root C of a correlation matrix C C' of one parameter rho, and its first and second derivative in rho.
struct RootSeries {
  Matrix C, slope, curvature;

  explicit RootSeries(Index q) : C(Matrix::Identity(q, q)), slope(Matrix::Zero(q, q)), curvature(slope) {}

  void set(Index i, Index j, const Jet<2>& series) {
    C(i, j) = series.c[0];
    slope(i, j) = series.c[1];
    curvature(i, j) = 2.0 * series.c[2];
  }
};

struct CompoundSymmetry {
  // the entries of a column below its diagonal are equal
  static void root(double rho, RootSeries& out) {
    Jet<2> used(0.0);
    for (Index j = 0; j < out.C.cols(); ++j) {
      const Jet<2> left = Jet<2>(1.0) - used;
      // not a number beyond the range of rho
      const Jet<2> on = left.value() > 0.0 || left.value() <= -1e-10 ? sqrt(left) : Jet<2>(0.0);
      const Jet<2> below = on.value() > 0.0 ? (Jet<2>::variable(rho) - used) / on : Jet<2>(0.0);
      out.set(j, j, on);
      for (Index i = j + 1; i < out.C.rows(); ++i) out.set(i, j, below);
      used += below * below;
    }
  }
};

/// Effects in order, correlation rho^|i - j|.
struct Autoregressive {
  static void root(double rho, RootSeries& out) {
    const Jet<2> variable = Jet<2>::variable(rho), left = Jet<2>(1.0) - variable * variable;
    const Jet<2> rest = left.value() != 0.0 ? sqrt(left) : Jet<2>(0.0);
    for (Index j = 0; j < out.C.cols(); ++j) {
      Jet<2> power(1.0);
      for (Index i = j; i < out.C.rows(); ++i) {
        out.set(i, j, j > 0 ? power * rest : power);
        power = power * variable;
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
    const RootSeries root = series(theta, block.rows());
    for (Index i = 0; i < block.rows(); ++i) block.row(i) = std::abs(theta[sd(i)]) * root.C.row(i);
  }

  static bool moves(Index row, Index column) { return has_rho ? row >= column : row == column; }

  static void pull_back(const double* theta, const Eigen::Ref<const Matrix>& block_bar, double* theta_bar) {
    const Index q = block_bar.rows();
    const RootSeries root = series(theta, q);
    for (Index i = 0; i < q; ++i) {
      theta_bar[sd(i)] += sign(theta[sd(i)]) * block_bar.row(i).dot(root.C.row(i));
      if (correlated(q)) theta_bar[sd_count(q)] += std::abs(theta[sd(i)]) * block_bar.row(i).dot(root.slope.row(i));
    }
  }

  static void add_curvature(const double* theta, const Eigen::Ref<const Matrix>& block_bar, Eigen::Ref<Matrix> out) {
    const Index q = block_bar.rows(), rho = sd_count(q);
    if (!correlated(q)) return;
    const RootSeries root = series(theta, q);
    for (Index i = 0; i < q; ++i) {
      const double mixed = sign(theta[sd(i)]) * block_bar.row(i).dot(root.slope.row(i));
      out(rho, sd(i)) += mixed;
      out(sd(i), rho) += mixed;
      out(rho, rho) += std::abs(theta[sd(i)]) * block_bar.row(i).dot(root.curvature.row(i));
    }
  }

 private:
  static Index sd(Index i) { return common_sd ? 0 : i; }
  static double sign(double sd) { return sd < 0 ? -1.0 : 1.0; }
  static bool correlated(Index q) { return theta_count(q) > sd_count(q); }

  static RootSeries series(const double* theta, Index q) {
    RootSeries out(q);
    if constexpr (has_rho)
      if (q > 1) Correlation::root(theta[sd_count(q)], out);
    return out;
  }
};

template <class Structure>
CovarianceStructure functions_of() {
  return {Structure::theta_count, Structure::lambda, Structure::moves, Structure::pull_back,
          Structure::add_curvature};
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

  /// The elements of Lambda that move with theta: row and column.
  std::vector<std::pair<Index, Index>> elements() const {
    std::vector<std::pair<Index, Index>> out;
    for (const Block& block : blocks_)
      for (Index j = 0; j < block.size; ++j)
        for (Index i = 0; i < block.size; ++i)
          if (block.structure.moves(i, j)) out.push_back({block.effect + i, block.effect + j});
    return out;
  }

  /// Their derivatives: a row an element, a column a theta.
  Matrix slopes(const Vector& theta) const {
    const auto all = elements();
    Matrix out(static_cast<Index>(all.size()), theta.size()), one = Matrix::Zero(effects_, effects_);
    for (std::size_t e = 0; e < all.size(); ++e) {
      Vector own = Vector::Zero(theta.size());
      one(all[e].first, all[e].second) = 1.0;
      pull_back(theta, one, own);
      one(all[e].first, all[e].second) = 0.0;
      out.row(static_cast<Index>(e)) = own;
    }
    return out;
  }

  /// Adds the second derivative of <lambda_bar, Lambda> in theta.
  void add_curvature(const Vector& theta, const Matrix& lambda_bar, Matrix& out) const {
    for (const Block& block : blocks_) {
      const Index count = block.structure.theta_count(block.size);
      block.structure.add_curvature(theta.data() + block.theta,
                                    lambda_bar.block(block.effect, block.effect, block.size, block.size),
                                    out.block(block.theta, block.theta, count, count));
    }
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
