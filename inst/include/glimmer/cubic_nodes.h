// Fewer points in place of many that share their effects: what second order sums is, within such a cell, a cubic form
// in the point's row of Z. A cubic form is known everywhere in the cell by its values at as many points as there are
// independent cubic monomials (four for a random slope, however many rows).
#ifndef GLIMMER_CUBIC_NODES_H
#define GLIMMER_CUBIC_NODES_H

#include "effect_points.h"

namespace glimmer {

class CubicNodes {
 public:
  CubicNodes(const EffectPoints& points, Range own) : points_(points), first_(own.begin) {
    for (Index begin = own.begin, end; begin < own.end; begin = end) {
      for (end = begin + 1; end < own.end && same_effects(begin, end);) ++end;
      add_cell({begin, end});
    }
  }

  Index count() const { return static_cast<Index>(nodes_.size()); }
  /// Which point a node is.
  Index operator[](Index node) const { return nodes_[static_cast<std::size_t>(node)]; }

  /// Weights of nodes that stand for those of points, in every cubic form.
  Vector gathered(const Vector& points) const {
    Vector out(count());
    for (const Cell& cell : cells_) {
      const auto own = points.segment(cell.point, cell.points);
      if (cell.forms.size() == 0)
        out.segment(cell.node, cell.points) = own;
      else
        out.segment(cell.node, cell.forms.cols()) = cell.forms.transpose() * own;
    }
    return out;
  }

  /// Values of a cubic form at the points, from those at the nodes.
  Vector spread(const Vector& nodes, Index points) const {
    Vector out(points);
    for (const Cell& cell : cells_) {
      if (cell.forms.size() == 0)
        out.segment(cell.point, cell.points) = nodes.segment(cell.node, cell.points);
      else
        out.segment(cell.point, cell.points) = cell.forms * nodes.segment(cell.node, cell.forms.cols());
    }
    return out;
  }

 private:
  /// Points with the same effects: the first one, their number, their first node; and how the values at the nodes make
  /// up those at the points (empty: each point is a node).
  struct Cell {
    Index point, points, node;
    Matrix forms;
  };

  bool same_effects(Index p, Index other) const {
    return std::equal(points_.effects(p), points_.effects(p) + points_.width(), points_.effects(other));
  }

  /// Of the columns of cubic monomials, a point each, by pivoted QR as many as are independent.
  void add_cell(Range own) {
    Cell cell{own.begin - first_, own.size(), count(), Matrix()};
    if (own.size() > 2) {
      Eigen::ColPivHouseholderQR<Matrix> parts(monomials(own));
      parts.setThreshold(1e-13);
      const Index rank = parts.rank();
      if (rank < own.size()) {
        Matrix forms(rank, own.size());
        forms << Matrix::Identity(rank, rank),
            parts.matrixR().topLeftCorner(rank, rank).template triangularView<Eigen::Upper>().solve(
                parts.matrixR().topRightCorner(rank, own.size() - rank));
        cell.forms = (forms * parts.colsPermutation().transpose()).transpose();
        for (Index j = 0; j < rank; ++j) nodes_.push_back(own.begin + parts.colsPermutation().indices()[j]);
        cells_.push_back(std::move(cell));
        return;
      }
    }
    for (Index p = own.begin; p < own.end; ++p) nodes_.push_back(p);
    cells_.push_back(std::move(cell));
  }

  /// Each number of z in units of its largest one in the cell.
  Matrix monomials(Range own) const {
    const Index width = points_.width();
    Vector unit = Vector::Zero(width);
    for (Index p = own.begin; p < own.end; ++p)
      for (Index e = 0; e < width; ++e) unit[e] = std::max(unit[e], std::fabs(points_.z(p)[e]));
    Matrix out(width * (width + 1) * (width + 2) / 6, own.size());
    for (Index p = own.begin; p < own.end; ++p) {
      const auto z = [&](Index e) { return unit[e] > 0.0 ? points_.z(p)[e] / unit[e] : 0.0; };
      Index row = 0;
      for (Index a = 0; a < width; ++a)
        for (Index b = 0; b <= a; ++b)
          for (Index c = 0; c <= b; ++c) out(row++, p - own.begin) = z(a) * z(b) * z(c);
    }
    return out;
  }

  const EffectPoints& points_;
  Index first_;
  Positions nodes_;
  std::vector<Cell> cells_;
};

}  // namespace glimmer

#endif
