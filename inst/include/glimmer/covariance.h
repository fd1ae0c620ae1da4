// Covariance structures: theta -> Lambda with Cov(b) = Lambda Lambda', and the pull-back of derivatives.
#ifndef GLIMMER_COVARIANCE_H
#define GLIMMER_COVARIANCE_H

#include <algorithm>

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

inline CovarianceStructure covariance_structure(const std::string& name) {
  if (name == "unstructured")
    return {Unstructured::theta_count, Unstructured::lambda, Unstructured::pull_back};
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
