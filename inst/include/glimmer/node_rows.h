// The rows of levels at nodes of a quadrature, one after the other: the density takes them for rows, and a level at a
// node for a level, so that nodes and levels together fill its blocks.
#ifndef GLIMMER_NODE_ROWS_H
#define GLIMMER_NODE_ROWS_H

#include <algorithm>

#include "row_passes.h"

namespace glimmer {

class NodeRows {
 public:
  /// Some nodes of a level: `count` from `first` on; where their rows and they themselves begin here.
  struct Block {
    Index level, first, count, row, node;
  };

  /// Space for the rows of any level in a range at one node, and for as many as make a good length.
  NodeRows(const Data& data, Range levels, int order) : data_(data), order_(order) {
    for (Index g = levels.begin; g < levels.end; ++g) capacity_ = std::max(capacity_, data.rows_of({g, g + 1}).size());
    for (auto column : Responses::columns)
      (responses_.*column).reserve_like(data.responses.*column, capacity_);
    eta_.assign(static_cast<std::size_t>(data.density->predictors()), Vector(1));
    eta_[0].resize(capacity_);
    derivatives_.reserve(capacity_, order, data.density->predictors());
    effects_.resize(data.factors[0].effects(), good_length);
    sums_.resize(good_length);
    sizes_.resize(good_length);
    first_row_.reserve(good_length + 1);
    clear();
  }

  void clear() {
    blocks_.clear();
    first_row_.assign(1, 0);
  }

  /// How many more nodes of a level there is room for.
  Index room(Index level) const {
    const Index n = std::max<Index>(data_.rows_of({level, level + 1}).size(), 1);
    return std::min(good_length - nodes(), (capacity_ - first_row_.back()) / n);
  }

  /// Adds nodes of a level, at the columns of x scaled and moved: u = centre + C x.
  template <class Columns>
  void add(const Point& point, Index level, Index first, const Vector& centre, const Matrix& C, const Columns& x) {
    const Range rows = data_.rows_of({level, level + 1});
    const Block block{level, first, x.cols(), first_row_.back(), nodes()};
    blocks_.push_back(block);
    auto u = effects_.middleCols(block.node, block.count);
    u.noalias() = C.lazyProduct(x);
    u.colwise() += centre;
    for (auto column : Responses::columns)
      (responses_.*column).put(data_.responses.*column, rows, block.count, block.row);
    for (Index k = 0; k < block.count; ++k) first_row_.push_back(first_row_.back() + rows.size());
    set_eta(point, rows, u, eta_[0].data() + block.row);
  }

  /// The log-densities, and their derivatives to the order given.
  void evaluate(const Point& point) {
    for (std::size_t a = 1; a < eta_.size(); ++a) eta_[a] = point.eta[a];
    data_.density->evaluate_levels(responses_, first_row_, {0, nodes()}, eta_, order_, derivatives_, sums_.data(),
                                   sizes_.data());
  }

  const std::vector<Block>& blocks() const { return blocks_; }
  auto u(const Block& block) const { return effects_.middleCols(block.node, block.count); }
  auto log_densities(const Block& block) const { return sums_.segment(block.node, block.count); }
  /// A column a node, a row a row of the level.
  Eigen::Map<const Matrix> d1(const Block& block) const { return by_node(derivatives_.d1[0], block); }
  Eigen::Map<const Matrix> f_phi(const Block& block) const { return by_node(derivatives_.d1[1], block); }

 private:
  static constexpr Index good_length = 2048;

  /// eta = X beta + offset + Z Lambda u, a column a node
  template <class Columns>
  void set_eta(const Point& point, Range rows, const Columns& u, double* out) {
    const Incidence& incidence = data_.factors[0].first();
    const Eigen::OuterStride<> step(incidence.Z.step());
    Z_ = Eigen::Map<const RowMatrix, 0, Eigen::OuterStride<>>(incidence.Z.row(rows.begin), rows.size(),
                                                              incidence.effects(), step);
    b_.noalias() = data_.factors.lambda(0).lazyProduct(u);
    Eigen::Map<Matrix> eta(out, rows.size(), u.cols());
    with_effects(incidence.effects(), [&](auto fixed) {
      constexpr int known = decltype(fixed)::value;
      constexpr int q = known > 0 ? known : Eigen::Dynamic;
      const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, q>> Z(Z_.data(), Z_.rows(), Z_.cols());
      const Eigen::Map<const Eigen::Matrix<double, q, Eigen::Dynamic>> b(b_.data(), b_.rows(), b_.cols());
      eta.noalias() = Z.lazyProduct(b);
    });
    eta.colwise() += point.fixed[0].segment(rows.begin, rows.size());
  }

  Index nodes() const { return static_cast<Index>(first_row_.size()) - 1; }

  Eigen::Map<const Matrix> by_node(const Vector& values, const Block& block) const {
    return {values.data() + block.row, data_.rows_of({block.level, block.level + 1}).size(), block.count};
  }

  const Data& data_;
  int order_;
  Index capacity_ = good_length;
  Responses responses_;
  Etas eta_;
  Vector sums_, sizes_;
  RowDerivatives derivatives_;
  Matrix effects_, Z_, b_;  ///< u; the level's rows of Z; Lambda u
  Positions first_row_;
  std::vector<Block> blocks_;
};

}  // namespace glimmer

#endif
