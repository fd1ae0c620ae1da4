// The kernel of quadrature for any density: it is evaluated at every row and node.
#ifndef GLIMMER_DENSITY_KERNEL_H
#define GLIMMER_DENSITY_KERNEL_H

#include <algorithm>

#include "node_kernel.h"

namespace glimmer {

class DensityKernel : public NodeKernel {
 public:
  explicit DensityKernel(const Data& data) : data_(data) {}

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
    for (auto column : {&Responses::y, &Responses::size, &Responses::weight})
      for (Index i = 0; i < rows.size(); ++i) {
        const Index row = tile.rows.begin + rows.begin + i;
        (responses_.*column).put(data_.responses.*column, {row, row + 1}, lanes, i * lanes);
      }
    set_eta(tile, rows);
    data_.density->evaluate(responses_, {0, cells}, eta_, phi_of(tile), order, derivatives_);
    for (Index i = 0; i < rows.size(); ++i) out.f.head(lanes) += derivatives_.f.segment(i * lanes, lanes);
    if (order >= 1) out.d1[0].segment(first, cells) = derivatives_.d1.head(cells);
    if (order >= 2) out.w[0].segment(first, cells) = derivatives_.w.head(cells);
  }

  void reserve(Index cells, int order) {
    if (derivatives_.f.size() >= cells && order <= order_) return;
    order_ = std::max(order, order_);
    const Index rows = std::max(cells, cells_at_once);
    for (auto column : {&Responses::y, &Responses::size, &Responses::weight})
      (responses_.*column).reserve_like(data_.responses.*column, rows);
    eta_.resize(rows);
    derivatives_.reserve(rows, order_, data_.density->has_dispersion());
    derivatives_.f.resize(rows);
  }

  void set_eta(const NodeTile& tile, Range rows) {
    const Incidence& incidence = data_.factors[0].first();
    const Index lanes = tile.lanes();
    const FixedPart& fixed = tile.fixed[0];
    for (Index i = rows.begin; i < rows.end; ++i) {
      const Eigen::Map<const Vector> z(incidence.Z.row(tile.rows.begin + i), incidence.effects());
      auto eta = eta_.segment((i - rows.begin) * lanes, lanes);
      eta = b_.col(0) * z[0];
      for (Index j = 1; j < z.size(); ++j) eta += b_.col(j) * z[j];
      eta.array() += fixed.values[i * fixed.step];
    }
  }

  double phi_of(const NodeTile& tile) const { return tile.fixed.size() > 1 ? tile.fixed[1].values[0] : 0.0; }

  const Data& data_;
  int order_ = -1;
  Matrix b_;  ///< Lambda u, a row a lane
  Responses responses_;
  Vector eta_;
  RowDerivatives derivatives_;
};

}  // namespace glimmer

#endif
