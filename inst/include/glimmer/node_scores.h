// What is summed up at each node of a level, a column a parameter or a feature of parameters: the means given the nodes
// of the levels around it, and the products about these means.
#ifndef GLIMMER_NODE_SCORES_H
#define GLIMMER_NODE_SCORES_H

#include "lane_products.h"
#include "level_nodes.h"

namespace glimmer {

class NodeScores {
 public:
  void start(Index lanes, Index count) {
    lanes_ = lanes;
    count_ = count;
    if (sums_.size() < lanes * count) sums_.resize(lanes * count);
    sums_.head(lanes * count).setZero();
  }

  Index lanes() const { return lanes_; }
  Index count() const { return count_; }
  double* column(Index j) { return sums_.data() + j * lanes_; }
  Eigen::Map<Eigen::ArrayXd> lanes_of(Index j) { return {column(j), lanes_}; }

  /// E(. | c)
  void find_means(const LevelNodes& nodes) {
    outer_ = nodes.outer();
    if (means_.size() < outer_ * count_) means_.resize(outer_ * count_);
    if (outer_ == 1) {
      set_lane_dots(lanes_, count_, 1, sums_.data(), nodes.given_outer().data(), means_.data(), count_);
      return;
    }
    const double* const weights = nodes.given_outer().data();
    for (Index j = 0; j < count_; ++j)
      for (Index c = 0; c < outer_; ++c)
        means_[j * outer_ + c] = dot(nodes.own(), weights + c * nodes.own(), column(j) + c * nodes.own());
  }

  /// to[c] += multiple E(. | c)
  void add_means(Index j, double multiple, double* to) const {
    for (Index c = 0; c < outer_; ++c) to[c] += multiple * means_[j * outer_ + c];
  }

  /// E Cov(. | c), from column `first` on: the lower triangle.
  void find_products(const LevelNodes& nodes, Index first) {
    const Index used = count_ - first, own = nodes.own();
    if (centred_.size() < lanes_ * used) centred_.resize(lanes_ * used);
    if (products_.rows() != count_) products_.setZero(count_, count_);
    root_ = nodes.pi().sqrt();
    for (Index j = 0; j < used; ++j) {
      auto to = centred_.segment(j * lanes_, lanes_).array();
      const double* const mean = means_.data() + (first + j) * outer_;
      if (outer_ == 1) {
        to = root_ * (lanes_of(first + j) - mean[0]);
        continue;
      }
      to = lanes_of(first + j);
      for (Index c = 0; c < outer_; ++c) to.segment(c * own, own) -= mean[c];
      to *= root_;
    }
    set_lane_products(lanes_, used, centred_.data(), &products_(first, first), count_);
  }
  double product(Index j, Index k) const { return products_(std::max(j, k), std::min(j, k)); }

 private:
  static double dot(Index n, const double* a, const double* b) {
    Lanes sum = spread(0.0);
    Index k = 0;
    for (; k + lane_count <= n; k += lane_count) sum = sum + load(a + k) * load(b + k);
    double out = total(sum);
    for (; k < n; ++k) out += a[k] * b[k];
    return out;
  }

  Index lanes_ = 0, count_ = 0, outer_ = 1;
  Vector sums_, means_, centred_;
  Eigen::ArrayXd root_;
  Matrix products_;
};

}  // namespace glimmer

#endif
