// The kernel of quadrature for any density: it is evaluated at every row and node.
#ifndef GLIMMER_DENSITY_KERNEL_H
#define GLIMMER_DENSITY_KERNEL_H

#include <algorithm>

#include "node_kernel.h"

namespace glimmer {

class DensityKernel : public NodeKernel {
 public:
  DensityKernel(const Data& data, const EffectRows& Z) : data_(data), Z_(Z) {}

  void evaluate(const NodeTile& tile, int order, NodeDerivatives& out) override {
    const Index lanes = tile.lanes(), q = tile.lambda->rows(), step = std::max<Index>(1, cells_at_once / lanes);
    const Eigen::Map<const Matrix> u(tile.u, lanes, q);
    b_.noalias() = u.lazyProduct(tile.lambda->transpose());
    out.f.head(lanes).setZero();
    for (Index begin = 0; begin < tile.rows.size(); begin += step)
      evaluate_rows(tile, {begin, std::min(begin + step, tile.rows.size())}, order, out);
  }

 private:
  static constexpr Index cells_at_once = 2048;

  /// Some rows of a tile; a row of the density is a row at a node.
  void evaluate_rows(const NodeTile& tile, Range rows, int order, NodeDerivatives& out) {
    const Index lanes = tile.lanes(), cells = rows.size() * lanes, first = rows.begin * lanes;
    reserve(cells, order);
    for (auto column : Responses::columns)
      for (Index i = 0; i < rows.size(); ++i) {
        const Index row = tile.rows.begin + rows.begin + i;
        (responses_.*column).put(data_.responses.*column, {row, row + 1}, lanes, i * lanes);
      }
    set_eta(tile, rows);
    data_.density->evaluate(responses_, {0, cells}, etas_, order, derivatives_);
    for (Index i = 0; i < rows.size(); ++i) out.f.head(lanes) += derivatives_.f.segment(i * lanes, lanes);
    const auto put = [&](const std::vector<Vector>& from, std::vector<Vector>& to) {
      for (std::size_t place = 0; place < to.size(); ++place)
        to[place].segment(first, cells) = from[place].head(cells);
    };
    if (order >= 1) put(derivatives_.d1, out.d1);
    if (order >= 2) put(derivatives_.w, out.w);
  }

  void reserve(Index cells, int order) {
    if (derivatives_.f.size() >= cells && order <= order_) return;
    order_ = std::max(order, order_);
    const Index rows = std::max(cells, cells_at_once);
    for (auto column : Responses::columns)
      (responses_.*column).reserve_like(data_.responses.*column, rows);
    etas_.resize(static_cast<std::size_t>(data_.density->predictors()));
    etas_[0].resize(rows);
    derivatives_.reserve(rows, order_, data_.density->predictors());
    derivatives_.f.resize(rows);
  }

  void set_eta(const NodeTile& tile, Range rows) {
    const Index lanes = tile.lanes();
    const FixedPart& fixed = tile.fixed[0];
    for (Index i = rows.begin; i < rows.end; ++i) {
      const Eigen::Map<const Vector> z(Z_.row(tile.rows.begin + i), Z_.effects());
      auto eta = etas_[0].segment((i - rows.begin) * lanes, lanes);
      eta = b_.col(0) * z[0];
      for (Index j = 1; j < z.size(); ++j) eta += b_.col(j) * z[j];
      eta.array() += fixed.values[i * fixed.step];
    }
    for (std::size_t a = 1; a < etas_.size(); ++a) set_further(tile.fixed[a], rows, lanes, etas_[a]);
  }

  /// A predictor without random effects: of length 1 where it is the same for all rows.
  static void set_further(const FixedPart& fixed, Range rows, Index lanes, Vector& eta) {
    if (fixed.step == 0) {
      eta = Vector::Constant(1, fixed.values[0]);
      return;
    }
    eta.resize(rows.size() * lanes);
    for (Index i = rows.begin; i < rows.end; ++i)
      eta.segment((i - rows.begin) * lanes, lanes).setConstant(fixed.values[i * fixed.step]);
  }

  const Data& data_;
  const EffectRows& Z_;
  int order_ = -1;
  Matrix b_;  ///< Lambda u, a row a lane
  Responses responses_;
  Etas etas_;
  RowDerivatives derivatives_;
};

}  // namespace glimmer

#endif
